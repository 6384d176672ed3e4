"""Episodes of a Gymnasium environment as runs."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError, check_count
from dynlearn.trajectories.environments import opened
from dynlearn.trajectories.environments.episode import Episode, keeping, recorded
from dynlearn.trajectories.environments.interval import stated_interval
from dynlearn.trajectories.environments.policy import Policy, Random, as_policy
from dynlearn.trajectories.environments.world import World
from dynlearn.trajectories.times.instants import grid
from dynlearn.trajectories.message import refusal

if TYPE_CHECKING:
    import gymnasium

ENDLESS = 1_000_000
"""An episode still going after this many steps is taken for one that never ends."""


def from_gymnasium(
    env: "gymnasium.Env | str",
    policy: Callable[[np.ndarray], Any] | Any = None,
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
    the sample where their transition starts, so that the last sample has none (NaN, False). Everything is
    copied as it comes, so that arrays which the environment or the policy uses again do no harm.

    Args:
        env: an environment or its registered id. Observations: a Box with one axis, NaN where nothing
            was measured. Actions: a Box of floats, whose entries in C order are the controls.
        policy: from an observation to an action, or to (action, state); or an object with such a
            `predict`, whose state is handed back to it within an episode. None draws from the action space.
        episodes: how many to run, at least 1.
        seed: seeds the first reset (the others follow from it) and the drawn actions.
        dt: time per step; default the environment's own attribute `dt`, where no wrapper of unknown
            making may repeat the action. Pass 1.0 to count steps.
        max_steps: end an episode after so many steps, marked truncated.
        output_names, control_names, units: as in `from_arrays`.

    Returns:
        A dataset under the trajectory schema with one run per episode, its `t` from 0 in steps of `dt`.

    Raises:
        ArgumentError: `env` is something else (a vector of environments, one of dm_control, recorded data),
            its spaces are others, what it returns does not obey them, or the time per step cannot be known.

    An error in the middle, whoever raised it, has what was recorded until then as `runs`.

    >>> ds = from_gymnasium("Pendulum-v1", episodes=2, max_steps=5, units={"t": "s"})
    >>> ds.sizes["trajectory"], ds.sizes["time"], float(ds.t[0, 1])
    (2, 6, 0.05)
    """
    check_count("episodes", episodes, 1)
    check_count("seed", seed, 0)
    if max_steps is not None:
        check_count("max_steps", max_steps, 1)
    units = dict(units or {})
    attrs = {"units": units["t"]} if "t" in units else {}
    done: list[Episode] = []
    with opened(env) as made:
        world = World.of(made)
        names: dict[str, Sequence[str]] = {
            "output": _names("output", "y", output_names, world.outputs),
            "control": _names("control", "u", control_names, world.controls),
        }
        step = _interval(made, dt)
        chosen = as_policy(policy, world, int(seed))

        def dataset(episodes: list[Episode]) -> xr.Dataset:
            return recorded(episodes, step, names, units, attrs)

        dataset([Episode.blank(world.outputs, world.controls)])  # names and units, before anything runs
        with keeping(done, dataset):
            for i in range(episodes):
                _run(world, chosen, int(seed) if i == 0 else None, max_steps, done)
    return dataset(done)


def _run(
    world: World, policy: Policy | Random, seed: int | None, max_steps: int | None, done: list[Episode]
) -> None:
    """One more episode in `done`, where it grows."""
    now = world.reset(seed)
    policy.begin()
    episode = Episode([now.outputs])
    done.append(episode)
    while True:
        action = policy(now.observation)
        now = world.step(action)
        steps = len(episode.controls) + 1
        truncated = now.truncated or (steps == max_steps and not now.terminated)
        episode.add(action, now, truncated)
        if now.terminated or truncated:
            return
        if steps >= ENDLESS:
            came = f"one still going after {ENDLESS} steps"
            raise ArgumentError(refusal("max_steps", "an episode that ends", came, "pass e.g. max_steps=200"))


def _names(kind: str, prefix: str, given: Sequence[str] | None, width: int) -> list[str]:
    if given is None:
        return [f"{prefix}{i}" for i in range(width)]
    if isinstance(given, str) or len(given) != width:
        remedy = "name every component"
        raise ArgumentError(refusal(f"{kind}_names", f"a list of {width} names", repr(given), remedy))
    return list(given)


def _interval(env: "gymnasium.Env", dt: float | None) -> float:
    if dt is not None:
        grid(dt, 1)  # refuses what is not a step
        return float(dt)
    stated = stated_interval(env)
    if stated.interval is None:
        remedy = "pass dt= in the time unit you want, or dt=1.0 to count steps"
        raise ArgumentError(refusal("dt", f"the time per step, {stated.why}", dt, remedy))
    return stated.interval
