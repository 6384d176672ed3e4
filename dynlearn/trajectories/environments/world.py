"""An environment that keeps its promises: every transition is checked, and shares no memory with its maker."""

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.environments.spaces import check_actions, check_observations
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.numbers import as_numbers

if TYPE_CHECKING:
    import gymnasium


class Transition(NamedTuple):
    """What a step led to."""

    observation: Any
    """As the environment gave it, an array copied: what a policy reads."""
    outputs: Float[np.ndarray, " output"]
    """The same as float64."""
    reward: float
    terminated: bool
    truncated: bool


@dataclasses.dataclass(frozen=True)
class World:
    """Flat float64 vectors inside, the environment's shapes and dtypes outside."""

    env: "gymnasium.Env"
    action_space: "gymnasium.spaces.Box"
    outputs: int
    controls: int

    @classmethod
    def of(cls, env: "gymnasium.Env") -> "World":
        """Check the spaces: observations a Box with one axis, actions a Box of floats."""
        seen = check_observations(getattr(env, "observation_space", None))
        action = check_actions(getattr(env, "action_space", None))
        return cls(env, action, int(np.prod(seen.shape)), int(np.prod(action.shape)))

    def reset(self, seed: int | None) -> Transition:
        """The first observation of an episode; nothing has been earned or ended yet."""
        came = self.env.reset(seed=seed)
        if not isinstance(came, tuple) or len(came) != 2:
            expected = "(observation, info), as Gymnasium has it"
            raise ArgumentError(refusal("env.reset", expected, _shape_of(came), "return both"))
        return Transition(*self._observation(came[0]), np.nan, False, False)

    def step(self, action: Float[np.ndarray, "..."]) -> Transition:
        """One step under an action that `action` has checked."""
        came = self.env.step(action.copy())
        if not isinstance(came, tuple) or len(came) != 5:
            expected = "(observation, reward, terminated, truncated, info), as Gymnasium has it"
            raise ArgumentError(refusal("env.step", expected, _shape_of(came), "return all five"))
        observation, reward, terminated, truncated, _ = came
        flags = _flag("terminated", terminated), _flag("truncated", truncated)
        return Transition(*self._observation(observation), _reward(reward), *flags)

    def action(self, what: str, value: Any) -> Float[np.ndarray, "..."]:
        """`value` in the shape and dtype of the action space: what is recorded must be what was applied."""
        space = self.action_space
        array = as_numbers(what, value, f"an action inside {space}").astype(space.dtype)
        if array.shape != space.shape:
            came, remedy = f"shape {array.shape}", f"return an array of shape {space.shape}"
        elif not np.isfinite(array).all():
            came, remedy = f"{array.tolist()}", "check what it was computed from"
        elif not space.contains(array):
            came = f"{array.tolist()}"
            remedy = "clip it: numpy.clip(action, env.action_space.low, env.action_space.high)"
        else:
            return array
        raise ArgumentError(refusal(what, f"an action inside {space}", came, remedy))

    def _observation(self, value: Any) -> tuple[Any, Float[np.ndarray, " output"]]:
        expected = f"{self.outputs} numbers, as observation_space says"
        array = as_numbers("observation", value, expected)
        if array.size != self.outputs:
            came = f"shape {array.shape}"
            remedy = "let the environment return what its observation_space promises"
            raise ArgumentError(refusal("observation", expected, came, remedy))
        outputs = array.astype(np.float64).reshape(-1)
        if np.isinf(outputs).any():
            came, remedy = f"{outputs.tolist()}", "end the episode before that; NaN stands for not measured"
            raise ArgumentError(refusal("observation", "finite numbers", came, remedy))
        return array if isinstance(value, np.ndarray) else value, outputs


def _reward(value: Any) -> float:
    """None (an environment that gives none) is NaN."""
    if value is None:
        return np.nan
    array = as_numbers("reward", value, "a number").astype(np.float64)
    if array.size != 1 or np.isinf(array).any():
        came = f"shape {array.shape}" if array.size != 1 else f"{value!r}"
        remedy = "let env.step return one finite number, or None where there is no reward"
        raise ArgumentError(refusal("reward", "a number", came, remedy))
    return float(array.reshape(()))


def _flag(name: str, value: Any) -> bool:
    array = as_numbers(name, value, "True or False")
    if array.size != 1 or array.dtype.kind == "f" or not np.isin(array, (0, 1)).all():
        raise ArgumentError(refusal(name, "True or False", f"{value!r:.80}", "let env.step return a bool"))
    return bool(array.reshape(()))


def _shape_of(came: Any) -> str:
    return f"{len(came)} values" if isinstance(came, tuple | list) else type(came).__name__
