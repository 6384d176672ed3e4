"""likelihood: the density of each measured output on its own."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.model import AbstractModel
from dynlearn.fitting.examples import predict
from dynlearn.fitting.objectives.contract import Metrics
from dynlearn.trajectories.window import Window


def likelihood(model: AbstractModel, batch: Window, key: Key[Array, ""]) -> tuple[Float[Array, ""], Metrics]:
    """Negative log-likelihood of each measured output under the mean path's distribution, per value.

    Args:
        model: any model with a noise.
        batch: windows with a leading batch axis: `model.memory` samples of the past, then the horizon.
        key: not used, nothing is drawn.

    Returns:
        The loss, in nats per measured value, and no metrics.

    >>> import dynlearn as dl
    >>> from dynlearn.fitting.examples import Examples
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> model = dl.models.Persistence.from_data(ds)
    >>> loss, _ = likelihood(model, Examples.of(model, ds, 5, "train").spread(4), jax.random.key(0))
    >>> loss.shape
    ()
    """
    measured = batch.observed[:, model.memory :]
    y = batch.output[:, model.memory :]
    log_p = jax.vmap(lambda w, y: predict(model, w).log_prob(y))(batch, y)
    loss = -jnp.sum(jnp.where(measured, log_p, 0)) / jnp.maximum(measured.sum(), 1)
    return loss, {}
