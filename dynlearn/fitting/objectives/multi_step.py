"""multi_step: the squared error of the mean path."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.model import AbstractModel
from dynlearn.fitting.examples import predict
from dynlearn.fitting.objectives.contract import Metrics
from dynlearn.fitting.objectives.errors import masked_square
from dynlearn.trajectories.window import Window


def multi_step(model: AbstractModel, batch: Window, key: Key[Array, ""]) -> tuple[Float[Array, ""], Metrics]:
    """Mean squared error of the mean path over the horizon, in scaled units, measured values only.

    L = sum_{k,j} w_kj ((y_kj - yhat_kj) / scale_j)^2 / sum_{k,j} w_kj

    Args:
        model: any model.
        batch: windows with a leading batch axis: `model.memory` samples of the past, then the horizon.
        key: not used, nothing is drawn.

    Returns:
        The loss, and the metric "rmse", its root.

    >>> import dynlearn as dl
    >>> from dynlearn.fitting.examples import Examples
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> model = dl.models.Persistence.from_data(ds)
    >>> loss, metrics = multi_step(model, Examples.of(model, ds, 5, "train").spread(4), jax.random.key(0))
    >>> bool(metrics["rmse"] == jnp.sqrt(loss))
    True
    """
    forecast = jax.vmap(lambda w: predict(model, w).mean)(batch)
    loss = masked_square(model, forecast, batch)
    return loss, {"rmse": jnp.sqrt(loss)}
