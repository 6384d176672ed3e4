"""Spaces: observations and actions are vectors of numbers, actions continuous ones."""

from typing import TYPE_CHECKING

import numpy as np

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.message import refusal

if TYPE_CHECKING:
    import gymnasium


def check_observations(space: object) -> "gymnasium.spaces.Box":
    """A Box with at most one axis: one number per output."""
    from gymnasium import spaces

    if isinstance(space, spaces.Box) and len(space.shape) <= 1:
        return space
    _check_there("observation_space", space)
    fixed = isinstance(space, spaces.Space) and space.is_np_flattenable
    remedy = "wrap it, e.g. gymnasium.wrappers.FlattenObservation(env)"
    if not fixed:
        remedy = "wrap it so that observations have a fixed number of entries: gymnasium.wrappers.TransformObservation"
    raise ArgumentError(refusal("env.observation_space", "a Box with one axis", space, remedy))


def check_actions(space: object) -> "gymnasium.spaces.Box":
    """A Box of floats, of any shape: its entries in C order are the controls."""
    from gymnasium import spaces

    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating):
        return space
    _check_there("action_space", space)
    raise ArgumentError(refusal("env.action_space", "a Box of floats", space, _continuous(space)))


def _check_there(name: str, space: object) -> None:
    from gymnasium import spaces

    if not isinstance(space, spaces.Space):
        remedy = f"set it when it is made, e.g. self.{name} = gymnasium.spaces.Box(-1, 1, (3,))"
        raise ArgumentError(refusal(f"env.{name}", "a space of Gymnasium", repr(space), remedy))


def _continuous(space: object) -> str:
    """How an environment with these actions is given continuous ones."""
    from gymnasium import spaces

    wrap = "gymnasium.wrappers.TransformAction(env, "
    one_hot = "record it yourself and give dl.from_arrays one control per action, 1 where it was taken and 0 elsewhere"
    if isinstance(space, spaces.Discrete):
        chosen = f"int(u.argmax()){f' + {space.start}' if space.start else ''}"
        box = f"gymnasium.spaces.Box(0, 1, ({space.n},))"
        return (
            f"controls are continuous values: let the largest of {space.n} choose, {wrap}lambda u: {chosen}, {box}), "
            f"or {one_hot}"
        )
    if isinstance(space, spaces.Dict | spaces.Tuple):
        flat = "gymnasium.spaces.unflatten(env.action_space, u), gymnasium.spaces.flatten_space(env.action_space))"
        return f"put its parts side by side where all are continuous, {wrap}lambda u: {flat}"
    return (
        f"controls are continuous values: map them to these actions with {wrap}f, gymnasium.spaces.Box(...)), "
        f"or {one_hot}"
    )
