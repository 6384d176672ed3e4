"""sparse_teacher_forcing: data take the place of a recurrent model's outputs every few samples."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.forcing import forced_states
from dynlearn.contract.model import AbstractModel
from dynlearn.fitting.objectives.contract import Metrics
from dynlearn.fitting.objectives.forcing.error import checked, forced_square, since_begun
from dynlearn.references import cites
from dynlearn.trajectories.window import Window


@cites("mikhaeil2022difficulty", "brenner2022tractable")
def sparse_teacher_forcing(
    model: AbstractModel, batch: Window, key: Key[Array, ""], interval: int | None = None
) -> tuple[Float[Array, ""], Metrics]:
    r"""Squared error of a recurrent model whose outputs are replaced by data every `interval` samples.

        z~_k = (y_k, z_k[p:]) at k = 0, interval, 2 interval, ...,   z~_k = z_k elsewhere,   z_{k+1} = F(z~_k, v_k)
        L = sum_{k > 0, j} w_kj (y_kj - z_kj)^2 / sum_{k > 0, j} w_kj,    y scaled, w: what was measured

    Errors are seen before data take their place. Between two forcings the model runs on its own, so that errors that
    grow are seen; the interval bounds how far gradients of a chaotic system can grow.

    Args:
        model: a recurrent one, such as `ALRNN`.
        batch: windows with a leading batch axis: past and horizon count alike.
        key: not used, nothing is drawn.
        interval: samples from one forcing to the next; the model's own, `model.forcing.interval`, if not given.

    Returns:
        The loss, and the metric "rmse", its root.

    Raises:
        ArgumentError: a model that is not recurrent.

    References: Mikhaeil, Monfared, Durstewitz, "On the difficulty of learning chaotic dynamics with RNNs", NeurIPS
    2022; Brenner et al., "Tractable dendritic RNNs for reconstructing nonlinear dynamical systems", ICML 2022.

    >>> import dynlearn as dl
    >>> from dynlearn.fitting.examples import Examples
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> model = dl.models.ALRNN.from_data(ds, latent=4, nonlinear=1, memory=4, key=0)
    >>> loss, metrics = sparse_teacher_forcing(model, Examples.of(model, ds, 5, "train").spread(4), jax.random.key(0))
    >>> bool(metrics["rmse"] == jnp.sqrt(loss))
    True
    """
    recurrent = checked(model, "sparse_teacher_forcing")
    every = recurrent.forcing.interval if interval is None else interval

    def one(window: Window) -> Float[Array, "time z"]:
        strength = (since_begun(window) % every == 0).astype(window.output.dtype)
        return forced_states(recurrent, window, strength)[0]

    loss = forced_square(recurrent, jax.vmap(one)(batch), batch)
    return loss, {"rmse": jnp.sqrt(loss)}
