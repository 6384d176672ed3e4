"""Teacher forcing: every sample of a window forecast from the measured ones before it, in one parallel pass."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.markers import AbstractParallel
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError
from dynlearn.fitting.examples import predict
from dynlearn.fitting.objectives.contract import Metrics
from dynlearn.references import cites
from dynlearn.trajectories.window import Window


@cites("williams1989learning")
def teacher_forcing(
    model: AbstractModel, batch: Window, key: Key[Array, ""]
) -> tuple[Float[Array, ""], Metrics]:
    """Mean squared error one sample ahead over past and horizon, in scaled units, measured values only.

        L = sum_{k,j} w_kj ((y_kj - E[y_kj | y_{<k}, u_{<k}]) / scale_j)^2 / sum_{k,j} w_kj

    All samples of a window count, and none waits for the one before. What the errors do when the
    model is fed its own forecasts is not seen; where they grow, `forced_and_free` is the remedy.

    Args:
        model: one with a parallel pass, such as `DeepStateSpace`.
        batch: windows with a leading batch axis: `model.memory` samples of the past, then the horizon.
        key: not used, nothing is drawn.

    Returns:
        The loss, and the metrics.

    Raises:
        ArgumentError: a model without a parallel pass.

    Reference: Williams, Zipser, "A learning algorithm for continually running fully recurrent neural
    networks", Neural Computation 1989.

    >>> import dynlearn as dl, equinox as eqx
    >>> from dynlearn.fitting.examples import Examples
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> model = dl.models.DeepStateSpace.from_data(ds, memory=4, width=4, states=2, layers=1, key=0)
    >>> batch = Examples.of(model, ds, 3, "train").spread(4)
    >>> loss, _ = eqx.filter_jit(teacher_forcing)(model, batch, jax.random.key(0))
    >>> bool(loss > 0)
    True
    """
    loss = _forced_square(model, batch)
    return loss, {"rmse": jnp.sqrt(loss)}


@cites("williams1989learning")
def forced_and_free(
    model: AbstractModel, batch: Window, key: Key[Array, ""], weight: float = 0.5
) -> tuple[Float[Array, ""], Metrics]:
    """`weight` times the error of the free run over the horizon (`multi_step`), the rest `teacher_forcing`.

    The forced part teaches what the past holds, over the whole window; the free part keeps the run stable.

    Args:
        model: one with a parallel pass, such as `DeepStateSpace`.
        batch: windows with a leading batch axis: `model.memory` samples of the past, then the horizon.
        key: not used, nothing is drawn.
        weight: of the free run, from 0 to 1.

    Returns:
        The loss, and the metrics of both parts.

    Raises:
        ArgumentError: a model without a parallel pass.

    >>> import dynlearn as dl, equinox as eqx
    >>> from dynlearn.fitting.examples import Examples
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> model = dl.models.DeepStateSpace.from_data(ds, memory=4, width=4, states=2, layers=1, key=0)
    >>> batch = Examples.of(model, ds, 3, "train").spread(4)
    >>> loss, _ = eqx.filter_jit(forced_and_free)(model, batch, jax.random.key(0), weight=0.2)
    >>> bool(loss > 0)
    True
    """
    forced = _forced_square(model, batch)
    free = _free_square(model, batch)
    return (1 - weight) * forced + weight * free, {"forced": jnp.sqrt(forced), "free": jnp.sqrt(free)}


def _forced_square(model: AbstractModel, batch: Window) -> Float[Array, ""]:
    if not isinstance(model, AbstractParallel):
        raise ArgumentError(
            f"objective 'teacher_forcing': expected a model with a parallel pass such as DeepStateSpace, got "
            f"{type(model).__name__}; use 'multi_step'."
        )
    # The first sample of a run has nothing before it to be forecast from.
    known = batch.observed[:, 1:] & batch.valid[:, :-1, None]
    return _mean_square(model, jax.vmap(model.forced)(batch), batch.output[:, 1:], known)


def _free_square(model: AbstractModel, batch: Window) -> Float[Array, ""]:
    forecast = jax.vmap(lambda window: predict(model, window).mean)(batch)
    return _mean_square(model, forecast, batch.output[:, model.memory :], batch.observed[:, model.memory :])


def _mean_square(model: AbstractModel, forecast: Array, measured: Array, known: Array) -> Float[Array, ""]:
    error = (measured - forecast) / model.scaling.output_scale
    return jnp.sum(jnp.where(known, error, 0) ** 2) / jnp.maximum(known.sum(), 1)
