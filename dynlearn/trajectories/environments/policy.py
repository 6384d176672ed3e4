"""Policies in the forms they have: a function, an object with `predict`, actions drawn at random."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.environments.world import World
from dynlearn.trajectories.message import refusal


class Policy:
    """From an observation to an action; `begin` at the start of every episode.

    An object with `predict` is asked as reinforcement learning libraries have it: `predict(observation)` gives
    an action, or the action and the policy's own state, which is handed back as `state=` within the episode.
    """

    def __init__(self, function: Callable, keeps_state: bool, world: World):
        self.function, self.keeps_state, self.world = function, keeps_state, world
        self.state: Any = None

    def begin(self) -> None:
        self.state = None

    def __call__(self, observation: Any) -> np.ndarray:
        given = {} if self.state is None else {"state": self.state}
        came = self.function(observation, **given)
        if self._with_state(came):
            came, state = came
            self.state = state if self.keeps_state else None
        return self.world.action("policy", came)

    def _with_state(self, came: Any) -> bool:
        """Whether this is (action, state); a tuple with the shape of an action is an action."""
        shape = self.world.action_space.shape
        return (
            isinstance(came, tuple) and len(came) == 2 and _shape(came) != shape and _shape(came[0]) == shape
        )


class Random:
    """Actions drawn from a copy of the action space, with a stream apart from the environment's."""

    def __init__(self, world: World, seed: int):
        self.space = copy.deepcopy(world.action_space)
        self.space.seed(int(np.random.SeedSequence([seed, 1]).generate_state(1)[0]))

    def begin(self) -> None:
        """One stream over all episodes."""

    def __call__(self, observation: Any) -> np.ndarray:
        return self.space.sample()


def as_policy(policy: Any, world: World, seed: int) -> Policy | Random:
    """The policy in one of the forms above; None draws."""
    if policy is None:
        return Random(world, seed)
    owner = getattr(policy, "__self__", None)
    if getattr(policy, "__name__", None) == "predict" and owner is not None:
        policy = owner
    if hasattr(policy, "predict"):
        return Policy(policy.predict, True, world)
    if not callable(policy):
        expected = "a function from an observation to an action, or an object with predict(observation)"
        remedy = "pass e.g. lambda observation: numpy.zeros(1)"
        raise ArgumentError(refusal("policy", expected, type(policy).__name__, remedy))
    return Policy(policy, False, world)


def _shape(value: Any) -> tuple[int, ...] | None:
    """The shape of an array of numbers, None of anything else."""
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError):
        return None
    return array.shape if array.dtype.kind in "biuf" else None
