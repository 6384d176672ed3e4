"""Closed loop: let a controller act in a Gymnasium environment and keep what happened."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import xarray as xr

from dynlearn.control.planner import Reason, sentence
from dynlearn.control.spaces import fitting
from dynlearn.errors import ArgumentError, check_count
from dynlearn.models._signature import Signature
from dynlearn.trajectories.environments import Episode, World, opened, recorded

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

    def init(self, context: xr.Dataset | None = None, *, key: Any = 0) -> Any: ...

    def act(self, memory: Any, observation: Any) -> tuple[np.ndarray, Any, Any]: ...

    def record(self, memory: Any, observation: Any, action: Any) -> Any: ...

    def missing(self, memory: Any) -> int: ...


def run(
    env: "gymnasium.Env | str",
    controller: Controller,
    episodes: int = 5,
    seed: int = 0,
    *,
    dt: float | None = None,
    max_steps: int | None = None,
    warmup: Warmup = None,
    progress: bool = True,
) -> xr.Dataset:
    """Run `controller` in `env`; the trajectories come back under the schema, ready to be fitted.

    **Args**

    - `env`: an environment or the id of one; observations a `Box` with one axis and one entry per output,
      actions a `Box` of floats with one per control.
    - `controller`: an `MPC`, or an object with the same methods.
    - `episodes`, `seed`: episode i is `env.reset(seed=seed + i)` and planned with the key `seed + i`.
    - `dt`: time per step of `env`, which must be the controller's interval; default what the environment says
      of itself. Pass it where that is wrong or in another unit.
    - `max_steps`: stop an episode there and mark it truncated; None leaves it to the environment.
    - `warmup`: what to apply while a model has not seen the samples it requires: "random" (uniform
      within the bounds, seeded) or a function (observation, generator) -> action.

    **Returns** a dataset with `output`, `control` (NaN at the last sample), `reward`, `terminated`,
    `truncated`, `plan_cost` and `plan_seconds` per sample; `t` starts at 0 with the controller's
    interval. Attributes: `seed`, and `reasons`, how often each way of planning came up, as JSON.

    **Raises** `ArgumentError` where the spaces do not fit the controller.
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
    done: list[Episode] = []
    reasons: Counter = Counter()
    with opened(env) as made, _bar(progress, episodes) as report:
        world = fitting(made, controller.signature, controller.bounds, controller.interval, dt)
        for i in range(episodes):
            episode, why = _episode(world, controller, int(seed) + i, max_steps, warmup)
            done.append(episode)
            reasons += why
            report(done)
    return _dataset(done, controller).assign_attrs(seed=int(seed), reasons=json.dumps(dict(reasons)))


def _episode(
    world: World, controller: Controller, seed: int, max_steps: int | None, warmup: Warmup
) -> tuple[Episode, Counter]:
    """One episode, and how often each way of planning came up in it."""
    reasons: Counter = Counter()
    generator = np.random.default_rng(seed)
    memory = controller.init(key=seed)
    now = world.reset(seed)
    episode, truncated = Episode([now.outputs]), False
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
    _check_planned(reasons, seed)
    return episode, reasons


def _shaped(action: Any, world: World) -> Any:
    """A controller gives a vector, whatever the shape of the action space."""
    fits = np.size(action) == world.controls
    return np.reshape(action, world.action_space.shape) if fits else action


def _check_planned(reasons: Counter, seed: int) -> None:
    """An episode in which no plan at all was found is not a result: something does not fit."""
    asked = {name: count for name, count in reasons.items() if name != "warmup"}
    if asked and "planned" not in asked:
        why = " ".join(sentence(getattr(Reason, name)) for name in asked)
        raise ArgumentError(
            f"run: in the episode of seed {seed} none of {sum(asked.values())} plans was found ({asked}). {why}"
        )


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
        return np.clip(np.asarray(warmup(observation, generator), np.float64).reshape(-1), low, high)
    return generator.uniform(low, high)


def _dataset(done: list[Episode], controller: Controller) -> xr.Dataset:
    signature = controller.signature
    units = dict(zip(signature.output_names, signature.output_units, strict=False))
    units |= dict(zip(signature.control_names, signature.control_units, strict=False))
    units |= {"plan_seconds": "s"}
    names: dict[str, Sequence[str]] = {"output": signature.output_names, "control": signature.control_names}
    known = {name: unit for name, unit in units.items() if unit}
    time_attrs = {"units": signature.time_unit} if signature.time_unit else {}
    return recorded(done, controller.interval, names, known, time_attrs)


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
