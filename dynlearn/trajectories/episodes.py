"""Episodes of a Gymnasium environment as runs."""

import copy
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.assemble import Runs, assemble
from dynlearn.trajectories.instants import grid
from dynlearn.trajectories.message import refusal

ENDLESS = 1_000_000
"""An episode still going after this many steps is taken for one that never ends."""


def from_gymnasium(
    env: Any,
    policy: Callable[[np.ndarray], Any] | None = None,
    episodes: int = 10,
    seed: int = 0,
    *,
    dt: float | None = None,
    max_steps: int | None = None,
    output_names: Sequence[str] | None = None,
    control_names: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """Run `episodes` episodes and return them as a dataset: observations, actions, rewards.

    An episode of N actions has N + 1 samples; action, `reward`, `terminated` and `truncated` stand at
    the sample where their transition starts, so that the last sample has none (NaN, False).

    **Args**

    - `env`: an environment or its registered id. Observations: a flat Box. Actions: a flat Box, or
      Discrete, stored as one control.
    - `policy`: from an observation to an action; None draws from the action space.
    - `seed`: seeds the first reset (the others follow from it) and the drawn actions.
    - `dt`: time per step; default the environment's own attribute `dt`. Pass 1.0 to count steps.
    - `max_steps`: end an episode after so many steps, marked truncated.
    - `output_names`, `control_names`, `units`: as in `from_arrays`.

    >>> ds = from_gymnasium("Pendulum-v1", episodes=2, max_steps=5, units={"t": "s"})
    >>> ds.sizes["trajectory"], ds.sizes["time"], float(ds.t[0, 1])
    (2, 6, 0.05)
    """
    _check_counts(episodes, seed, max_steps)
    owned = isinstance(env, str)
    if owned:
        import gymnasium

        env = gymnasium.make(env)
    try:
        _check_spaces(env)
        step = _interval(env, dt)
        choose = policy or _random(env, seed)
        logs = [
            _episode(env, choose, seed if i == 0 else None, max_steps, policy is not None)
            for i in range(episodes)
        ]
    finally:
        if owned:
            env.close()
    return _assembled(logs, step, output_names, control_names, dict(units or {}))


def _episode(
    env: Any, choose: Callable, seed: int | None, max_steps: int | None, check: bool
) -> dict[str, list]:
    """One episode: lists of N + 1 observations and N of everything else."""
    observation, _ = env.reset(seed=seed)
    log: dict[str, list] = {
        "output": [_flat(observation)],
        "control": [],
        "reward": [],
        "terminated": [],
        "truncated": [],
    }
    while True:
        action = choose(observation)
        if check:
            action = _checked_action(env.action_space, action)
        observation, reward, terminated, truncated, _ = env.step(action)
        steps = len(log["control"]) + 1
        truncated = bool(truncated) or (steps == max_steps and not terminated)
        values = (_flat(observation), _flat(action), float(reward), bool(terminated), truncated)
        for name, value in zip(log, values, strict=True):
            log[name].append(value)
        if terminated or truncated:
            return log
        if steps >= ENDLESS:
            came = f"one still going after {ENDLESS} steps"
            raise ArgumentError(refusal("max_steps", "an episode that ends", came, "pass e.g. max_steps=200"))


def _assembled(
    logs: list[dict], step: float, output_names: Any, control_names: Any, units: dict
) -> xr.Dataset:
    values = {
        "output": [np.stack(log["output"]) for log in logs],
        "control": [_closed(np.stack(log["control"]), np.nan) for log in logs],
    }
    samples = {
        "reward": [_closed(np.array(log["reward"]), np.nan) for log in logs],
        "terminated": [_closed(np.array(log["terminated"]), False) for log in logs],
        "truncated": [_closed(np.array(log["truncated"]), False) for log in logs],
    }
    names: dict[str, Sequence[str]] = {}
    for kind, prefix, given in (("output", "y", output_names), ("control", "u", control_names)):
        width = values[kind][0].shape[1]
        names[kind] = [f"{prefix}{i}" for i in range(width)] if given is None else list(given)
        if isinstance(given, str) or len(names[kind]) != width:
            remedy = "name every component"
            raise ArgumentError(refusal(f"{kind}_names", f"a list of {width} names", repr(given), remedy))
    times = [grid(step, len(run)) for run in values["output"]]
    attrs = {"units": units["t"]} if "t" in units else {}
    return assemble(Runs(range(len(logs)), times, values, names, samples, units, attrs))


def _closed(values: np.ndarray, last: Any) -> np.ndarray:
    """One more row for the last sample, from which no transition starts."""
    return np.concatenate([values, np.full_like(values[:1], last)])


def _flat(value: Any) -> np.ndarray:
    return np.asarray(value, dtype=np.float64).reshape(-1)


def _random(env: Any, seed: int) -> Callable:
    """Actions drawn from a copy of the action space, with a stream apart from the environment's."""
    space = copy.deepcopy(env.action_space)
    space.seed(int(np.random.SeedSequence([seed, 1]).generate_state(1)[0]))
    return lambda observation: space.sample()


def _checked_action(space: Any, action: Any) -> Any:
    """The action in the type of the space; what is recorded must be what was applied."""
    from gymnasium.spaces import Discrete

    if isinstance(space, Discrete):
        action = action.item() if isinstance(action, np.ndarray | np.generic) else action
        remedy = f"return a whole number from {space.start} to {space.start + space.n - 1}"
    else:
        action = np.asarray(action, dtype=space.dtype)
        remedy = "clip it: numpy.clip(action, env.action_space.low, env.action_space.high)"
    if not space.contains(action):
        raise ArgumentError(refusal("policy", f"an action inside {space}", repr(action), remedy))
    return action


def _check_spaces(env: Any) -> None:
    from gymnasium.spaces import Box, Discrete

    observation, action = env.observation_space, env.action_space
    if not isinstance(observation, Box) or len(observation.shape) != 1:
        remedy = "wrap it, e.g. gymnasium.wrappers.FlattenObservation(env)"
        raise ArgumentError(refusal("env.observation_space", "a Box with one axis", observation, remedy))
    if not isinstance(action, Discrete) and not (isinstance(action, Box) and len(action.shape) == 1):
        remedy = "wrap it, e.g. gymnasium.wrappers.TransformAction"
        raise ArgumentError(refusal("env.action_space", "a Box with one axis, or Discrete", action, remedy))


def _interval(env: Any, dt: float | None) -> float:
    if dt is not None:
        grid(dt, 1)  # refuses what is not a step
        return float(dt)
    own = getattr(env.unwrapped, "dt", None)
    if not isinstance(own, numbers.Real) or not math.isfinite(own) or own <= 0:
        remedy = "pass dt= in the time unit you want, or dt=1.0 to count steps"
        raise ArgumentError(
            refusal("dt", "the time per step, which this environment does not state", own, remedy)
        )
    return float(own)


def _check_counts(episodes: int, seed: int, max_steps: int | None) -> None:
    for what, value, least in (("episodes", episodes, 1), ("seed", seed, 0), ("max_steps", max_steps, 1)):
        if what == "max_steps" and value is None:
            continue
        if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
            expected = f"a whole number of at least {least}"
            raise ArgumentError(refusal(what, expected, repr(value), f"pass e.g. {what}={max(least, 10)}"))
