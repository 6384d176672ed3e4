"""Spaces: the border between a Gymnasium environment and a controller in physical units."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from dynlearn.errors import ArgumentError
from dynlearn.models._signature import Signature
from dynlearn.trajectories.sampling import RTOL

if TYPE_CHECKING:
    import gymnasium


@dataclasses.dataclass(frozen=True)
class Border:
    """Flat float64 vectors inside, the environment's shapes and dtypes outside."""

    space: "gymnasium.spaces.Box"
    """Of the actions."""
    outputs: int

    @classmethod
    def between(
        cls,
        env: "gymnasium.Env",
        signature: Signature,
        bounds: tuple[tuple[float, ...], tuple[float, ...]],
        interval: float,
    ) -> "Border":
        """Check that the spaces are boxes of the right size and hold the controller's bounds."""
        _checked_box("observations", env, env.observation_space, signature.output_names)
        space = _checked_box("actions", env, env.action_space, signature.control_names)
        low, high = (np.asarray(bound).astype(space.dtype).reshape(space.shape) for bound in bounds)
        if (low < space.low).any() or (high > space.high).any():
            raise ArgumentError(
                f"bounds: expected bounds within the action space, {_flat(space.low)} to "
                f"{_flat(space.high)}, got {list(bounds[0])} to {list(bounds[1])}; build the controller "
                f"with bounds that fit."
            )
        _check_interval(env, interval)
        return cls(space, len(signature.output_names))

    def observation(self, value: object) -> Float[np.ndarray, " output"]:
        """An observation as a flat vector."""
        return np.asarray(value, np.float64).reshape(self.outputs)

    def action(self, value: Float[np.ndarray, " control"]) -> np.ndarray:
        """An action in the shape and dtype of the space, within it also after rounding to that dtype."""
        shaped = np.asarray(value).astype(self.space.dtype).reshape(self.space.shape)
        shaped = np.clip(shaped, self.space.low, self.space.high)
        if not self.space.contains(shaped):
            raise ArgumentError(f"action: expected an element of {self.space}, got {value!r}.")
        return shaped


def _checked_box(
    kind: str, env: "gymnasium.Env", space: object, names: tuple[str, ...]
) -> "gymnasium.spaces.Box":
    from gymnasium.spaces import Box

    if not isinstance(space, Box) or not np.issubdtype(space.dtype, np.floating):
        raise ArgumentError(
            f"env: expected {kind} in a Box of floats, got {space} in {env}; planning is over continuous "
            f"values: wrap the environment, see gymnasium.wrappers."
        )
    size = int(np.prod(space.shape))
    if size != len(names):
        raise ArgumentError(
            f"env: expected {len(names)} {kind} {list(names)}, as the controller's model has, got {size} in "
            f"{env}; use the environment the model was fitted to, or wrap it."
        )
    return space


def _flat(bound: np.ndarray) -> list[float]:
    return np.asarray(bound, np.float64).reshape(-1).tolist()


def _check_interval(env: "gymnasium.Env", interval: float) -> None:
    """Where the environment says how long its step is, the controller must think the same."""
    dt = getattr(env.unwrapped, "dt", None)
    if isinstance(dt, int | float) and abs(dt - interval) > RTOL * interval:
        raise ArgumentError(
            f"interval: the environment's step is {dt:g} (env.unwrapped.dt), the controller plans with {interval:g}; "
            f"build the controller with interval={dt:g} and a model of that sampling."
        )
