"""relative_error: the logarithm of every window's squared error, so that windows of all difficulties count alike."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.model import AbstractModel
from dynlearn.fitting.examples import predict
from dynlearn.fitting.objectives.contract import Metrics
from dynlearn.trajectories.window import Window

FLOOR = 1e-4
"""Mean square, in scaled units, below which a window is forecast well enough."""


def relative_error(
    model: AbstractModel, batch: Window, key: Key[Array, ""]
) -> tuple[Float[Array, ""], Metrics]:
    r"""Mean logarithm of the mean squared errors of windows, along the mean path and in scaled units.

        L = mean_w log(m_w + 1e-4),    m_w = sum_{k,j} w_kj ((y_kj - yhat_kj) / scale_j)^2 / sum_{k,j} w_kj

    Over many systems a mean square is that of the few which cannot be forecast, and says nothing of the others; a
    logarithm asks for the same part of every error.

    Args:
        model: any model.
        batch: windows with a leading batch axis: `model.memory` samples of the past, then the horizon.
        key: not used, nothing is drawn.

    Returns:
        The loss, and the metric "rmse" over all windows.

    >>> import dynlearn as dl
    >>> from dynlearn.fitting.examples import Examples
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> model = dl.models.Persistence.from_data(ds)
    >>> loss, metrics = relative_error(model, Examples.of(model, ds, 5, "train").spread(4), jax.random.key(0))
    >>> bool(loss <= jnp.log(metrics["rmse"] ** 2 + 1e-4))  # by the concavity of the logarithm
    True
    """
    forecast = jax.vmap(lambda w: predict(model, w).mean)(batch)
    measured = batch.observed[:, model.memory :]
    error = (batch.output[:, model.memory :] - forecast) / model.scaling.output_scale
    square, count = jnp.where(measured, error, 0) ** 2, measured.sum((1, 2))
    each = square.sum((1, 2)) / jnp.maximum(count, 1)
    loss = jnp.where(count > 0, jnp.log(each + FLOOR), 0).sum() / jnp.maximum((count > 0).sum(), 1)
    return loss, {"rmse": jnp.sqrt(square.sum() / jnp.maximum(count.sum(), 1))}
