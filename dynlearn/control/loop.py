"""Closed loop: let a controller act in a Gymnasium environment and keep what happened."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import xarray as xr

from dynlearn.contract.checks.control_range import EXTRAPOLATES, check_controls
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.signature import Signature
from dynlearn.control.controllers.past import Context, each_episode, static_of
from dynlearn.control.planners.contract import Reason, sentence
from dynlearn.control.spaces import fitting
from dynlearn.errors import ArgumentError, check_count
from dynlearn.trajectories import schema
from dynlearn.trajectories.environments import opened
from dynlearn.trajectories.environments.episode import Episode, keeping, recorded
from dynlearn.trajectories.environments.world import World
from dynlearn.trajectories.numbers import as_numbers

if TYPE_CHECKING:
    import gymnasium

Warmup = str | Callable[[np.ndarray, np.random.Generator], Any] | None


@runtime_checkable
class Controller(Protocol):
    """What `run` needs. `MPC` is one; a learned policy can be another."""

    @property
    def signature(self) -> Signature: ...

    @property
    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]: ...

    @property
    def interval(self) -> float: ...

    def init(self, context: Context = None, *, key: Any = 0) -> Any: ...

    def act(self, memory: Any, observation: Any) -> tuple[np.ndarray, Any, Any]: ...

    def record(self, memory: Any, observation: Any, action: Any) -> Any: ...

    def missing(self, memory: Any) -> int: ...


def run(
    env: "gymnasium.Env | str",
    controller: Controller,
    episodes: int = 5,
    seed: int = 0,
    *,
    context: Context = None,
    dt: float | None = None,
    max_steps: int | None = None,
    warmup: Warmup = None,
    progress: bool = True,
) -> xr.Dataset:
    """Run `controller` in `env`; the trajectories come back under the schema, ready to be fitted.

    Args:
        env: an environment or the id of one; observations a `Box` with one axis and one entry per output,
            actions a `Box` of floats with one per control.
        controller: an `MPC`, or an object with the same methods.
        episodes: how many.
        seed: episode i is `env.reset(seed=seed + i)` and planned with the key `seed + i`.
        context: what is known before the first observation: a dataset with one run, or one per episode (its
            samples, up to one interval before, and its static features), or the static features alone by name.
        dt: time per step of `env`, which must be the controller's interval; default what the environment says
            of itself. Pass it where that is wrong or in another unit.
        max_steps: stop an episode there and mark it truncated; None leaves it to the environment.
        warmup: what to apply while a model has not seen the samples it requires: "random" (uniform
            within the bounds, seeded) or a function (observation, generator) -> action.
        progress: show a progress bar on standard error.

    Returns:
        A dataset with `output`, `control` (NaN at the last sample), `reward`, `terminated`, `truncated`,
        `plan_cost` and `plan_seconds` per sample, and `static` where the controller has static features; `t`
        starts at 0, or where the context ends, with the controller's interval. Attributes: `seed`; `reasons`,
        how often each way of planning came up, as JSON; and `unplanned`, where there were episodes in which no
        plan at all was found: which ones and why.

    Raises:
        ArgumentError: spaces that do not fit the controller, or an argument out of its range.

    An error in the middle, whoever raised it, has what was recorded until then as `runs`.

    >>> from dynlearn.control import CEM, MPC
    >>> from dynlearn.rl import PendulumCost, PendulumTruth
    >>> planner = CEM(samples=16, iterations=1, elites=4)
    >>> mpc = MPC(PendulumTruth(), PendulumCost(), horizon=5, planner=planner, bounds=(-2.0, 2.0))
    >>> runs = run("Pendulum-v1", mpc, episodes=2, max_steps=3, progress=False)
    >>> runs.sizes["trajectory"], runs.sizes["time"], runs.attrs["reasons"]
    (2, 4, '{"planned": 6}')
    """
    if not isinstance(controller, Controller):
        raise ArgumentError(
            f"controller: expected an MPC or an object with its methods (init, act, record, missing) and "
            f"signature, bounds, interval, got {type(controller).__name__}; see dynlearn.control.MPC."
        )
    check_count("episodes", episodes, 1)
    check_count("seed", seed, 0)
    if max_steps is not None:
        check_count("max_steps", max_steps, 1)
    if warmup is not None and warmup != "random" and not callable(warmup):
        raise ArgumentError(f'warmup: expected None, "random" or a function, got {warmup!r}.')
    contexts = each_episode(context, episodes)
    done: list[Episode] = []
    reasons: list[Counter] = []

    def dataset(episodes: list[Episode]) -> xr.Dataset:
        counted = json.dumps(dict(sum(reasons, Counter())))
        runs = _dataset(episodes, controller, contexts).assign_attrs(seed=int(seed), reasons=counted)
        unplanned = [sentence for i, why in enumerate(reasons) if (sentence := _without_plan(why, seed + i))]
        return runs.assign_attrs(unplanned=" ".join(unplanned)) if unplanned else runs

    with opened(env) as made, _bar(progress, episodes) as report, keeping(done, dataset):
        world = fitting(made, controller.signature, controller.bounds, controller.interval, dt)
        for i in range(episodes):
            reasons.append(Counter())
            memory = controller.init(contexts[i], key=int(seed) + i)
            _episode(world, controller, memory, int(seed) + i, max_steps, warmup, done, reasons[-1])
            report(done)
    return dataset(done)


def _episode(
    world: World,
    controller: Controller,
    memory: Any,
    seed: int,
    max_steps: int | None,
    warmup: Warmup,
    done: list[Episode],
    reasons: Counter,
) -> None:
    """One more episode in `done`, where it grows; `reasons` counts how each plan came about."""
    generator = np.random.default_rng(seed)
    now = world.reset(seed)
    episode, truncated = Episode([now.outputs]), False
    done.append(episode)
    while not (now.terminated or truncated):
        seen = now.outputs.copy()
        if controller.missing(memory):
            action = _warm(warmup, seen, generator, controller)
            memory, cost, seconds = controller.record(memory, seen, action), np.nan, np.nan
            reasons["warmup"] += 1
        else:
            action, memory, decision = controller.act(memory, seen)
            cost, seconds = decision.cost, decision.seconds
            reasons[decision.name] += 1
        sent = world.action("action", _shaped(action, world))
        now = world.step(sent)
        truncated = now.truncated or len(episode.controls) + 1 == max_steps
        cost = cost if np.isfinite(cost) else np.nan
        episode.add(sent, now, truncated, plan_cost=cost, plan_seconds=seconds)


def _shaped(action: Any, world: World) -> Any:
    """A controller gives a vector, whatever the shape of the action space."""
    fits = np.size(action) == world.controls
    return np.reshape(action, world.action_space.shape) if fits else action


def _without_plan(reasons: Counter, seed: int) -> str:
    """The sentence for an episode in which no plan at all was found; nothing for any other."""
    asked = {name: count for name, count in reasons.items() if name != "warmup"}
    if not asked or "planned" in asked:
        return ""
    why = " ".join(sentence(getattr(Reason, name)) for name in asked)
    return f"In the episode of seed {seed} none of {sum(asked.values())} plans was found ({asked}). {why}"


def _warm(
    warmup: Warmup, observation: np.ndarray, generator: np.random.Generator, controller: Controller
) -> np.ndarray:
    if warmup is None:
        raise ArgumentError(
            "warmup: this model must see several samples before it can plan, got warmup=None; "
            'pass warmup="random", or a function (observation, generator) -> action.'
        )
    low, high = controller.bounds
    if callable(warmup):
        action = as_numbers("warmup", warmup(observation, generator), f"{len(low)} numbers").reshape(-1)
        if action.size != len(low):
            raise ArgumentError(f"warmup: expected {len(low)} numbers, one per control, got {action.size}.")
        return np.clip(action.astype(np.float64), low, high)
    return generator.uniform(low, high)


def _dataset(done: list[Episode], controller: Controller, contexts: list[Context]) -> xr.Dataset:
    signature = controller.signature
    units = dict(zip(signature.output_names, signature.output_units, strict=False))
    units |= dict(zip(signature.control_names, signature.control_units, strict=False))
    units |= {"plan_seconds": "s"}
    names: dict[str, Sequence[str]] = {"output": signature.output_names, "control": signature.control_names}
    time_attrs = {"units": signature.time_unit} if signature.time_unit else {}
    static = starts = None
    if signature.statics:
        names["static"] = signature.static_names
        static = [static_of(context, signature) for context in contexts[: len(done)]]
    before = [context for context in contexts[: len(done)] if isinstance(context, xr.Dataset)]
    if before:
        units |= dict(zip(schema.names(before[0], "static"), schema.units(before[0], "static"), strict=True))
        starts = [float(np.nanmax(context["t"].values)) + controller.interval for context in before]
        time_attrs |= {"origin": before[0]["t"].attrs["origin"]} if "origin" in before[0]["t"].attrs else {}
    units = {name: unit for name, unit in units.items() if unit}
    found = recorded(done, controller.interval, names, units, time_attrs, starts=starts, static=static)
    model = getattr(controller, "model", None)
    far = (
        check_controls("control", model, found["control"].values) if isinstance(model, AbstractModel) else ""
    )
    return found.assign_attrs({EXTRAPOLATES: far}) if far else found


class _bar:
    """A progress bar over episodes with the last and the mean return; nothing where not wanted."""

    def __init__(self, wanted: bool, episodes: int):
        self.wanted, self.episodes = wanted, episodes

    def __enter__(self) -> Callable[[list[Episode]], None]:
        if not self.wanted:
            return lambda done: None
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = ("episodes", BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"))
        self.display = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
        self.display.start()
        task = self.display.add_task("episodes", total=self.episodes, note="")

        def report(done: list[Episode]) -> None:
            totals = [e.total for e in done]
            note = f"last return {totals[-1]:.1f}, mean {np.mean(totals):.1f}"
            self.display.update(task, completed=len(done), note=note)

        return report

    def __exit__(self, *error: object) -> None:
        if self.wanted:
            self.display.stop()
