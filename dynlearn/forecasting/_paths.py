"""Compiled forecasts of a batch of runs: the mean path's distribution, and sampled paths."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from dynlearn.models import AbstractModel, AbstractStochastic, Ensemble, rollout
from dynlearn.numerics.finite import finite
from dynlearn.numerics.length import length
from dynlearn.numerics.precision import compiled
from dynlearn.numerics.window import Window, cut

AT_ONCE = 2**20
"""Values followed side by side, about: enough to keep a device busy, few enough to stay in its caches."""


class Paths(NamedTuple):
    known: Bool[Array, " run"]
    """Whether the state of each run could be inferred."""
    mean: Float[Array, "run horizon output"]
    scale: Float[Array, "run horizon output"]
    """Mean and standard deviation at every instant: in closed form, of the draws where the model is stochastic."""
    draws: Float[Array, "run sample horizon output"]
    """Joint sample paths, the noise of the measurement included."""


@compiled
def follow(
    model: AbstractModel,
    past: Window,
    control: Float[Array, "run instant control"],
    time: Float[Array, "run instant"],
    interval: Float[Array, "run instant-1"],
    samples: int,
    keys: Key[Array, " run"],
    pieces: int,
) -> Paths:
    """Forecasts of all runs from the last sample of their `past` on, in one program."""

    def one(inputs):
        past, ahead, key = inputs
        state = model.infer(past)
        draws = _draws(model, past, ahead, samples, key, pieces)
        if stochastic(model):
            # Its mean path is not the mean of its paths.
            mean = draws.mean(0)
            return Paths(finite(state), mean, length(draws - mean, axis=0) / jnp.sqrt(len(draws)), draws)
        found = rollout(model, state, *ahead, pieces=pieces)[1]
        return Paths(finite(state), found.mean, found.scale, draws)

    inputs = (past, (control, time, interval), keys)
    values = max(samples, 1) * interval.shape[1] * model.signature.outputs
    return jax.lax.map(one, inputs, batch_size=min(max(AT_ONCE // values, 8), 1024))


def stochastic(model: AbstractModel) -> bool:
    """Whether the distribution of its outputs is known from drawn paths only."""
    return isinstance(model.members if isinstance(model, Ensemble) else model, AbstractStochastic)


@compiled
def pasts(runs: Window, now: Int[Array, " run"], memory: int) -> Window:
    """The last `memory` samples up to index `now` of each run. On its own, so that a context that
    grows by a sample does not compile the forecast anew.
    """
    return jax.vmap(lambda i, k: cut(runs, i, k, memory, 0))(jnp.arange(now.shape[0]), now)


def _draws(
    model: AbstractModel, past: Window, ahead, samples: int, key: Key[Array, ""], pieces: int
) -> Float[Array, "sample horizon output"]:
    """Every path of an ensemble follows one member throughout, the members in turn: their
    disagreement persists along a path, it is not redrawn at every step. What does not depend on
    the key (the deterministic part of a path) is computed once per run, not once per sample.
    """

    def path(model, key):
        for_state, for_steps, for_outputs = jax.random.split(key, 3)
        state = model.infer(past, key=for_state)
        outputs = rollout(model, state, *ahead, key=for_steps, pieces=pieces)[1]
        return jax.vmap(lambda d, k: d.sample(k))(outputs, jax.random.split(for_outputs, ahead[-1].shape[0]))

    def paths(model, count, key):
        return jax.vmap(lambda k: path(model, k))(jax.random.split(key, count))

    if samples == 0:
        return jnp.zeros((0, ahead[-1].shape[0], model.signature.outputs))
    if not isinstance(model, Ensemble):
        return paths(model, samples, key)
    each = -(-samples // model.size)
    keys = jax.random.split(key, model.size)
    found = eqx.filter_vmap(lambda m, k: paths(m, each, k))(model.members, keys)
    # Members take turns along the sample axis, so that any number of samples is balanced.
    return jnp.swapaxes(found, 0, 1).reshape(-1, *found.shape[2:])[:samples]
