"""multiple_shooting: short forecasts from many instants of a window, which have to join."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.model import AbstractModel
from dynlearn.contract.rollout import rollout
from dynlearn.errors import ArgumentError, is_count
from dynlearn.fitting.objectives.contract import Metrics
from dynlearn.fitting.objectives.errors import masked_square
from dynlearn.numerics.finite import finite
from dynlearn.references import cites
from dynlearn.trajectories.window import Window


@cites("bock1984multiple")
def multiple_shooting(
    model: AbstractModel, batch: Window, key: Key[Array, ""], segments: int = 4, weight: float = 1.0
) -> tuple[Float[Array, ""], Metrics]:
    r"""Squared error of `segments` forecasts in a row, each from its own past, and of the gaps between them.

        L = mean_kj w_kj ((y_kj - yhat_kj) / scale_j)^2 + weight mean_i |gap_i / scale|^2
        gap_i = yhat_i(t_{i+1}) - yhat_{i+1}(t_{i+1})

    Segment i starts from the state inferred from the samples before t_i; where it ends, the next one's outputs at
    its start are to be met. Gradients see one segment at a time, whatever the window's length.

    Args:
        model: any model.
        batch: windows with a leading batch axis: `model.memory` samples of the past, then the horizon.
        key: not used, nothing is drawn.
        segments: how many; the horizon is to be a multiple of them.
        weight: of the gaps.

    Returns:
        The loss, and the metrics "rmse" of the forecasts and "gap", the root of what `weight` multiplies.

    Raises:
        ArgumentError: a number of segments that does not divide the horizon.

    Reference: Bock, Plitt, "A multiple shooting algorithm for direct solution of optimal control problems", IFAC
    World Congress 1984.

    >>> import dynlearn as dl
    >>> from dynlearn.fitting.examples import Examples
    >>> ds = dl.datasets.load("linear", runs=2, length=30, key=0)
    >>> model = dl.models.NeuralMap.from_data(ds, hidden=0, memory=1, width=4, key=0)
    >>> batch = Examples.of(model, ds, 8, "train").spread(4)
    >>> sorted(multiple_shooting(model, batch, jax.random.key(0), segments=2)[1])
    ['gap', 'rmse']
    """
    past, horizon = model.memory, batch.length - model.memory
    if not is_count(segments, 1) or horizon % segments:
        raise ArgumentError(
            f"multiple_shooting: expected segments to divide the horizon of {horizon} samples, got {segments!r}; set "
            f"Gradient(horizon=...) to a multiple of it."
        )
    length = horizon // segments

    def segment(window: Window, first):
        part = jax.tree.map(
            lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, first, past + length), _timed(window)
        )
        part = Window(**part, static=window.static)
        start = model.infer(part[:past])
        known = finite(start)
        # A segment whose past holds nothing starts anywhere, and does not count.
        start = jax.tree.map(lambda leaf: jnp.where(known, leaf, jnp.zeros_like(leaf)), start)
        ahead = part.control[past - 1 :], part.time[past - 1 :], part.interval[past - 1 : -1]
        at_start = model.observe(start, part.control[past - 1]).mean
        return known, at_start, rollout(model, start, *ahead)[1].mean

    def one(window: Window):
        known, starts, forecasts = jax.vmap(lambda i: segment(window, i * length))(jnp.arange(segments))
        counted = jnp.repeat(known, length)
        joined = known[1:] & known[:-1]
        return counted, forecasts.reshape(horizon, -1), joined, forecasts[:-1, -1] - starts[1:]

    counted, forecast, joined, gaps = jax.vmap(one)(batch)
    seen = batch.observed.at[:, past:].set(batch.observed[:, past:] & counted[..., None])
    data = masked_square(model, forecast, dataclasses.replace(batch, observed=seen))
    squares = jnp.where(joined[..., None], gaps / model.scaling.output_scale, 0) ** 2
    gap = squares.sum() / jnp.maximum(joined.sum() * gaps.shape[-1], 1)
    return data + weight * gap, {"rmse": jnp.sqrt(data), "gap": jnp.sqrt(gap)}


def _timed(window: Window) -> dict[str, Array]:
    names = ("time", "interval", "output", "observed", "control", "valid")
    return {name: getattr(window, name) for name in names}
