"""Does an environment fit a controller? Asked once, before the first episode."""

from typing import TYPE_CHECKING

import numpy as np

from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, is_number
from dynlearn.trajectories.environments.interval import stated_interval
from dynlearn.trajectories.environments.world import World
from dynlearn.trajectories.sampling import RTOL

if TYPE_CHECKING:
    import gymnasium


def fitting(
    env: "gymnasium.Env",
    signature: Signature,
    bounds: tuple[tuple[float, ...], tuple[float, ...]],
    interval: float,
    dt: float | None,
) -> World:
    """The environment, whose spaces have the controller's sizes, hold its bounds, and whose step is its interval."""
    world = World.of(env)
    _check_size("observations", env, world.outputs, signature.output_names)
    _check_size("actions", env, world.controls, signature.control_names)
    space = world.action_space
    low, high = (np.asarray(bound).astype(space.dtype).reshape(space.shape) for bound in bounds)
    if (low < space.low).any() or (high > space.high).any():
        raise ArgumentError(
            f"bounds: expected bounds within the action space, {_flat(space.low)} to "
            f"{_flat(space.high)}, got {list(bounds[0])} to {list(bounds[1])}; build the controller "
            f"with bounds that fit."
        )
    _check_interval(env, interval, dt)
    return world


def _check_size(kind: str, env: "gymnasium.Env", size: int, names: tuple[str, ...]) -> None:
    if size != len(names):
        raise ArgumentError(
            f"env: expected {len(names)} {kind} {list(names)}, as the controller's model has, got {size} in "
            f"{env}; use the environment the model was fitted to, or wrap it."
        )


def _flat(bound: np.ndarray) -> list[float]:
    return np.asarray(bound, np.float64).reshape(-1).tolist()


def _check_interval(env: "gymnasium.Env", interval: float, dt: float | None) -> None:
    """The controller must think of the time per step as the user says, or else as the environment does.

    Where neither says anything, the controller's interval is the user's word; where a wrapper hides what the
    environment says, there is no telling.
    """
    if dt is not None and not (is_number(dt) and 0 < dt < np.inf):
        raise ArgumentError(f"dt: expected the time per step of env, > 0, or None, got {dt!r}.")
    stated = stated_interval(env)
    if dt is None and stated.hidden:
        raise ArgumentError(
            f"env: expected to know the time per step, {stated.why}; pass it, run(..., dt=...), {interval:g} if it is "
            f"the controller's."
        )
    step = stated.interval if dt is None else dt
    if step is None or abs(step - interval) <= RTOL * interval:
        return
    said = f"dt={dt:g} was passed" if dt is not None else f"the environment says {step:g} (its attribute dt)"
    known = "" if dt is not None else f", or pass dt={interval:g} if that is how long a step of it lasts"
    raise ArgumentError(
        f"interval: the controller plans with {interval:g}, but for the time per step {said}; build the controller "
        f"with interval={step:g} and a model of that sampling{known}."
    )
