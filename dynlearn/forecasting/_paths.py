"""Compiled forecasts of a batch of runs: the mean path's distribution, and sampled paths."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.models import AbstractModel, Ensemble, rollout
from dynlearn.numerics.window import Window


@eqx.filter_jit
def mean_paths(
    model: AbstractModel, past: Window, control: Array, time: Array, interval: Array
) -> tuple[Float[Array, "run horizon output"], Float[Array, "run horizon output"]]:
    """Mean and standard deviation at every instant, along the mean path."""

    def one(inputs):
        past, control, time, interval = inputs
        found = rollout(model, model.infer(past), control, time, interval)[1]
        return found.mean, jnp.sqrt(found.variance)

    return jax.lax.map(one, (past, control, time, interval), batch_size=128)


@eqx.filter_jit
def sample_paths(
    model: AbstractModel,
    past: Window,
    control: Array,
    time: Array,
    interval: Array,
    samples: int,
    key: Key[Array, ""],
) -> Float[Array, "run sample horizon output"]:
    """Joint sample paths, the noise of the measurement included.

    Every path of an ensemble follows one member throughout, the members in turn: their
    disagreement persists along a path, it is not redrawn at every step. What does not depend on
    the key (the deterministic part of a path) is computed once per run, not once per sample.
    """

    def path(model, past, control, time, interval, key):
        for_state, for_steps, for_outputs = jax.random.split(key, 3)
        state = model.infer(past, key=for_state)
        outputs = rollout(model, state, control, time, interval, key=for_steps)[1]
        return jax.vmap(lambda d, k: d.sample(k))(outputs, jax.random.split(for_outputs, interval.shape[0]))

    def member_paths(model, inputs, count, key):
        return jax.vmap(lambda k: path(model, *inputs, k))(jax.random.split(key, count))

    def one(inputs):
        *inputs, key = inputs
        if not isinstance(model, Ensemble):
            return member_paths(model, inputs, samples, key)
        each = -(-samples // model.size)
        keys = jax.random.split(key, model.size)
        found = eqx.filter_vmap(lambda m, k: member_paths(m, inputs, each, k))(model.members, keys)
        # Members take turns along the sample axis, so that any number of samples is balanced.
        return jnp.swapaxes(found, 0, 1).reshape(-1, *found.shape[2:])[:samples]

    keys = jax.random.split(key, time.shape[0])
    return jax.lax.map(one, (past, control, time, interval, keys), batch_size=32)

