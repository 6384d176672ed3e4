"""generalized_teacher_forcing: at every sample, data pull a recurrent model's outputs a part of the way."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.forcing import AbstractForced, forced_states
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, is_number
from dynlearn.fitting.objectives.contract import Metrics
from dynlearn.fitting.objectives.forcing.error import checked, forced_square
from dynlearn.references import cites
from dynlearn.trajectories.window import Window


@cites("hess2023generalized", "doya1992bifurcations")
def generalized_teacher_forcing(
    model: AbstractModel,
    batch: Window,
    key: Key[Array, ""],
    alpha: float | str = "adaptive",
    *,
    progress: Float[Array, ""] | float = 0.0,
) -> tuple[Float[Array, ""], Metrics]:
    r"""Squared error of a recurrent model whose outputs are pulled towards the data by a factor at every sample.

        z~_k = z_k + alpha ((y_k, z_k[p:]) - z_k),   z_{k+1} = F(z~_k, v_k),   alpha in [0, 1]
        L = sum_{k > 0, j} w_kj (y_kj - z_kj)^2 / sum_{k > 0, j} w_kj,    y scaled, w: what was measured

    alpha = 1 is teacher forcing, 0 a free run. Perturbations of the forced outputs grow by (1 - alpha) |J| per
    sample, J the Jacobian along the path; "adaptive" keeps that at 1: alpha = 1 - 1 / g, with g the geometric mean
    over the batch of the largest singular value of J (at least 1), found anew at every step of the fit. "annealed"
    goes from 1 to 0 along a straight line while the fit proceeds.

    Args:
        model: a recurrent one, such as `ALRNN`.
        batch: windows with a leading batch axis: past and horizon count alike.
        key: not used, nothing is drawn.
        alpha: a number from 0 to 1, "adaptive" or "annealed".
        progress: how much of the fit is done, from 0 to 1; `Gradient` says so.

    Returns:
        The loss, and the metrics "rmse", its root, and "alpha".

    Raises:
        ArgumentError: a model that is not recurrent, or another `alpha`.

    References: Hess, Monfared, Brenner, Durstewitz, "Generalized teacher forcing for learning chaotic dynamics",
    ICML 2023; Doya, "Bifurcations in the learning of recurrent neural networks", ISCAS 1992.

    >>> import dynlearn as dl
    >>> from dynlearn.fitting.examples import Examples
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> model = dl.models.ALRNN.from_data(ds, latent=4, nonlinear=1, memory=4, key=0)
    >>> batch = Examples.of(model, ds, 5, "train").spread(4)
    >>> float(generalized_teacher_forcing(model, batch, jax.random.key(0), 0.25)[1]["alpha"])
    0.25
    """
    recurrent = checked(model, "generalized_teacher_forcing")
    if alpha == "adaptive":
        strength = _adaptive(recurrent, batch)
    elif alpha == "annealed":
        strength = 1.0 - jnp.clip(jnp.asarray(progress, batch.output.dtype), 0, 1)
    elif is_number(alpha) and 0 <= alpha <= 1:
        strength = jnp.asarray(alpha, batch.output.dtype)
    else:
        raise ArgumentError(
            f"generalized_teacher_forcing: expected alpha to be a number from 0 to 1, 'adaptive' or 'annealed', "
            f"got {alpha!r}."
        )
    before = jax.vmap(lambda w: forced_states(recurrent, w, jnp.broadcast_to(strength, w.valid.shape))[0])
    loss = forced_square(recurrent, before(batch), batch)
    return loss, {"rmse": jnp.sqrt(loss), "alpha": strength}


_PROBES = 64
"""States at which the Jacobian is looked at, at most: its mean over a batch needs no more."""


def _adaptive(model: AbstractForced, batch: Window) -> Float[Array, ""]:
    model = jax.tree.map(lambda leaf: jax.lax.stop_gradient(leaf) if eqx.is_array(leaf) else leaf, model)
    full = jax.vmap(lambda w: forced_states(model, w, jnp.ones(w.valid.shape))[1])(batch)
    inputs = jax.vmap(lambda w: model.inputs(w.control, w.static))(batch)
    count = inputs.shape[0] * inputs.shape[1]
    z, v = full[:, :-1].reshape(count, full.shape[-1]), inputs.reshape(count, inputs.shape[-1])
    index = jnp.linspace(0, count - 1, min(_PROBES, count)).astype(int)
    J = jax.vmap(jax.jacfwd(model.advance))(z[index], v[index])
    largest = jnp.linalg.norm(J, ord=2, axis=(-2, -1))
    within = (batch.valid[:, :-1] & batch.valid[:, 1:]).reshape(-1)[index]
    g = jnp.exp(
        jnp.sum(jnp.where(within, jnp.log(jnp.maximum(largest, 1e-6)), 0)) / jnp.maximum(within.sum(), 1)
    )
    return jax.lax.stop_gradient(jnp.clip(1 - 1 / g, 0, 1).astype(batch.output.dtype))
