"""Joint sample paths of one run, in compiled code."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.members import has_members
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.rollout import rollout
from dynlearn.trajectories.window import Window

Draws = Float[Array, "sample horizon output"]


def along(
    model: AbstractModel, past: Window, ahead: Any, samples: int, key: Key[Array, ""], pieces: int
) -> Draws:
    """By steps that are drawn, from a state that is drawn."""

    def path(model: AbstractModel, key: Key[Array, ""]) -> Float[Array, "horizon output"]:
        for_state, for_steps, for_outputs = jax.random.split(key, 3)
        state = model.infer(past, key=for_state)
        outputs = rollout(model, state, *ahead, key=for_steps, pieces=pieces)[1]
        return jax.vmap(lambda d, k: d.sample(k))(outputs, jax.random.split(for_outputs, ahead[-1].shape[0]))

    def paths(count: int, key: Key[Array, ""], model: AbstractModel) -> Draws:
        return jax.vmap(lambda k: path(model, k))(jax.random.split(key, count))

    if not has_members(model):
        return paths(samples, key, model)
    return _in_turns(paths, samples, model.size, key, model.members)


def around(
    model: AbstractModel, found: Any, interval: Float[Array, " horizon"], samples: int, key: Key[Array, ""]
) -> Draws:
    """Of a deterministic model: all paths share the mean path, whose distributions are `found`, and differ by its
    error law.
    """

    def paths(count: int, key: Key[Array, ""], model: Any, mean: Float[Array, "horizon output"]) -> Draws:
        errors = jax.vmap(lambda k: model.noise.path(interval, k))(jax.random.split(key, count))
        return mean + model.scaling.output_scale * errors

    if not has_members(model):
        return paths(samples, key, model, found.mean)
    means = jnp.moveaxis(found.components.mean, -2, 0)
    return _in_turns(paths, samples, model.size, key, model.members, means)


def _in_turns(
    paths: Callable[..., Draws], samples: int, members: int, key: Key[Array, ""], *each: Any
) -> Draws:
    """Every path of an ensemble follows one member throughout: their disagreement persists along a path, it is not
    redrawn at every step. Members take turns along the sample axis, so that any number of samples is balanced.
    """
    count, keys = -(-samples // members), jax.random.split(key, members)
    found = eqx.filter_vmap(lambda k, *one: paths(count, k, *one))(keys, *each)
    return jnp.swapaxes(found, 0, 1).reshape(-1, *found.shape[2:])[:samples]
