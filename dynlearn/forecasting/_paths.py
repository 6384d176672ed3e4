"""Compiled forecasts of a batch of runs: the mean path's distribution, and sampled paths."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from dynlearn.contract.markers import AbstractDeterministic, AbstractStochastic
from dynlearn.contract.members import kind_of
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.rollout import rollout
from dynlearn.forecasting import _draws
from dynlearn.numerics.buckets import finely_up, up
from dynlearn.numerics.finite import finite
from dynlearn.numerics.length import length
from dynlearn.numerics.precision import array, compiled
from dynlearn.trajectories.window import Window

AT_ONCE = 2**20
"""Values followed side by side, about: enough to keep a device busy, few enough to stay in its caches."""


class Paths(NamedTuple):
    known: Bool[Any, " run"]
    """Whether the state of each run could be inferred."""
    mean: Float[Any, "run horizon output"]
    scale: Float[Any, "run horizon output"]
    """Mean and standard deviation at every instant: in closed form, of the draws where the model is stochastic."""
    draws: Float[Any, "run sample horizon output"]
    """Joint sample paths, the noise of the measurement included."""


def followed(
    model: AbstractModel,
    past: Window,
    ahead: tuple[np.ndarray, np.ndarray, np.ndarray],
    samples: int,
    keys: Key[Array, " filled"],
    pieces: int,
) -> Paths:
    """`follow` for sizes of a few, cut back to what was asked for, on the host.

    A longer horizon adds intervals of length 0, further runs are the first one again, further draws are further
    draws: the others stay what they are.
    """
    control, time, interval = ahead
    runs, horizon = interval.shape
    more = past.valid.shape[0] - runs, up(horizon) - horizon

    def padded(values: np.ndarray) -> Array:
        rows = np.concatenate([values, np.repeat(values[:1], more[0], axis=0)])
        widths = ((0, 0), (0, more[1]), *((0, 0),) * (values.ndim - 2))
        return array(np.pad(rows, widths, mode="edge"))

    # From the last instant on time stands still.
    still = np.pad(interval, ((0, 0), (0, more[1])))
    steps = array(np.concatenate([still, np.repeat(still[:1], more[0], axis=0)]))
    drawn = finely_up(samples)
    found = follow(
        model, past, padded(control), padded(time), steps, drawn, array(samples, int), keys, pieces
    )
    known, mean, scale, draws = map(np.asarray, found)
    return Paths(
        known[:runs], mean[:runs, :horizon], scale[:runs, :horizon], draws[:runs, :samples, :horizon]
    )


@compiled
def follow(
    model: AbstractModel,
    past: Window,
    control: Float[Array, "run instant control"],
    time: Float[Array, "run instant"],
    interval: Float[Array, "run instant-1"],
    drawn: int,
    samples: Int[Array, ""],
    keys: Key[Array, " run"],
    pieces: int,
) -> Paths:
    """Forecasts of all runs from the last sample of their `past` on, in one program.

    Of the `drawn` paths the first `samples` count.
    """

    def one(inputs):
        past, ahead, key = inputs
        state = model.infer(past)
        if stochastic(model):
            draws = _draws.along(model, past, ahead, drawn, key, pieces)
            # Its mean path is not the mean of its paths.
            counts = jnp.arange(drawn)[:, None, None] < samples
            mean = jnp.where(counts, draws, 0).sum(0) / samples
            apart = length(jnp.where(counts, draws - mean, 0), axis=0)
            return Paths(finite(state), mean, apart / jnp.sqrt(samples), draws)
        found = rollout(model, state, *ahead, pieces=pieces)[1]
        if isinstance(kind_of(model), AbstractDeterministic):
            draws = _draws.around(model, found, ahead[-1], drawn, key)
        else:
            draws = _draws.along(model, past, ahead, drawn, key, pieces)
        return Paths(finite(state), found.mean, found.scale, draws)

    inputs = (past, (control, time, interval), keys)
    values = max(drawn, 1) * interval.shape[1] * model.signature.outputs
    return jax.lax.map(one, inputs, batch_size=min(max(AT_ONCE // values, 8), 1024))


def stochastic(model: AbstractModel) -> bool:
    """Whether the distribution of its outputs is known from drawn paths only."""
    return isinstance(kind_of(model), AbstractStochastic)
