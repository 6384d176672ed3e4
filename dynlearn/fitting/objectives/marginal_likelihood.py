"""marginal_likelihood: the density of the horizon given the past, states integrated out."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.model import AbstractModel
from dynlearn.contract.state_space import AbstractStateSpace
from dynlearn.errors import ArgumentError
from dynlearn.fitting.objectives.contract import Metrics
from dynlearn.inference.density import log_density
from dynlearn.trajectories.window import Window


def marginal_likelihood(
    model: AbstractModel, batch: Window, key: Key[Array, ""]
) -> tuple[Float[Array, ""], Metrics]:
    """Negative log-likelihood of the horizon given the past, the states integrated out, per measured value.

    L = -sum_{k > past} log p(y_k | y_0 .. y_{k-1}) / count, in scaled units, by one filter over the
    whole window. The past is filtered but not scored: a window that starts in the middle of a run
    does not start from the prior of a run, whose influence the past washes out. Where runs are short
    enough to be filtered whole, `MaximumLikelihood` and `EM` take the exact likelihood of all of them.

    Args:
        model: a state-space model.
        batch: windows with a leading batch axis: `model.memory` samples of the past, then the horizon.
        key: for methods of inference that draw.

    Returns:
        The loss, in nats per measured value, and no metrics.

    Raises:
        ArgumentError: a model that is no state-space model.

    >>> import dynlearn as dl
    >>> from dynlearn.fitting.examples import Examples
    >>> walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[1.0]]}
    >>> signature = dl.models.Signature(("y0",), interval=1.0)
    >>> model = dl.models.LinearStateSpace.from_matrices(signature, walk, memory=2)
    >>> ds = dl.from_arrays([[[0.0], [1.0], [0.5], [2.0], [1.5]]], dt=1.0)
    >>> batch = Examples.of(model, ds, 2, "train").spread(2)
    >>> loss, _ = jax.jit(marginal_likelihood)(model, batch, jax.random.key(0))
    >>> loss.shape
    ()
    """
    if not isinstance(model, AbstractStateSpace):
        raise ArgumentError(
            f"objective 'marginal_likelihood': expected a state-space model such as LinearStateSpace, got "
            f"{type(model).__name__}; use 'likelihood'."
        )
    scale = jnp.log(model.scaling.output_scale)
    keys = jax.random.split(key, batch.valid.shape[0])
    density = jax.vmap(lambda window, key: log_density(model, window, key=key))(batch, keys)
    density = density[:, model.memory :]
    measured = batch.observed[:, model.memory :]
    scaled = density.sum() + jnp.where(measured, scale, 0).sum()
    return -scaled / jnp.maximum(measured.sum(), 1), {}
