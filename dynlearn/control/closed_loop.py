"""Closed loop: let a controller act in a Gymnasium environment and keep what happened."""

import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import xarray as xr

from dynlearn.control.planner import Reason, sentence
from dynlearn.control.spaces import Border
from dynlearn.errors import ArgumentError
from dynlearn.models._signature import Signature

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


@dataclasses.dataclass
class Episode:
    """One run as it grows: a row per sample, the last one without an action."""

    outputs: list[np.ndarray] = dataclasses.field(default_factory=list)
    controls: list[np.ndarray] = dataclasses.field(default_factory=list)
    samples: dict[str, list] = dataclasses.field(
        default_factory=lambda: {
            name: [] for name in ("reward", "terminated", "truncated", "plan_cost", "plan_seconds")
        }
    )
    reasons: Counter = dataclasses.field(default_factory=Counter)

    def add(self, observation: np.ndarray, action: np.ndarray, *samples: object) -> None:
        self.outputs.append(observation)
        self.controls.append(action)
        for kept, value in zip(self.samples.values(), samples, strict=True):
            kept.append(value)

    @property
    def total(self) -> float:
        """The undiscounted return."""
        return float(np.nansum(self.samples["reward"]))


def run(
    env: "gymnasium.Env | str",
    controller: Controller,
    episodes: int = 5,
    seed: int = 0,
    *,
    max_steps: int | None = None,
    warmup: Warmup = None,
    progress: bool = True,
) -> xr.Dataset:
    """Run `controller` in `env`; the trajectories come back under the schema, ready to be fitted.

    **Args**

    - `env`: an environment or the id of one; observations a flat `Box` with one entry per output,
      actions a `Box` with one per control.
    - `controller`: an `MPC`, or an object with the same methods.
    - `episodes`, `seed`: episode i is `env.reset(seed=seed + i)` and planned with the key `seed + i`.
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
    env = _made(env)
    border = Border.between(env, controller.signature, controller.bounds, controller.interval)
    for name, value in (("episodes", episodes), ("max_steps", 1 if max_steps is None else max_steps)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ArgumentError(f"{name}: expected a whole number, at least 1, got {value!r}.")
    if warmup is not None and warmup != "random" and not callable(warmup):
        raise ArgumentError(f'warmup: expected None, "random" or a function, got {warmup!r}.')
    done = []
    with _bar(progress, episodes) as report:
        for i in range(episodes):
            done.append(_episode(env, border, controller, seed + i, max_steps, warmup))
            report(done)
    return _dataset(done, controller, seed)


def _episode(
    env: "gymnasium.Env",
    border: Border,
    controller: Controller,
    seed: int,
    max_steps: int | None,
    warmup: Warmup,
) -> Episode:
    episode, generator = Episode(), np.random.default_rng(seed)
    memory = controller.init(key=seed)
    observation = border.observation(env.reset(seed=seed)[0])
    terminated = truncated = False
    while not (terminated or truncated):
        if controller.missing(memory):
            action = _warm(warmup, observation, generator, controller)
            memory, cost, seconds = controller.record(memory, observation, action), np.nan, np.nan
            episode.reasons["warmup"] += 1
        else:
            action, memory, decision = controller.act(memory, observation)
            cost, seconds = decision.cost, decision.seconds
            episode.reasons[decision.name] += 1
        sent = border.action(action)
        after, reward, terminated, truncated, _ = env.step(sent)
        truncated = bool(truncated) or len(episode.controls) + 1 == max_steps
        cost = cost if np.isfinite(cost) else np.nan
        applied = np.asarray(sent, np.float64).reshape(-1)
        episode.add(observation, applied, float(reward), bool(terminated), truncated, cost, seconds)
        observation = border.observation(after)
    episode.add(observation, np.full_like(episode.controls[-1], np.nan), np.nan, False, False, np.nan, np.nan)
    _check_planned(episode, seed)
    return episode


def _check_planned(episode: "Episode", seed: int) -> None:
    """An episode in which no plan at all was found is not a result: something does not fit."""
    asked = {name: count for name, count in episode.reasons.items() if name != "warmup"}
    if asked and "planned" not in asked:
        why = " ".join(sentence(getattr(Reason, name)) for name in asked)
        raise ArgumentError(
            f"run: in the episode of seed {seed} none of {sum(asked.values())} plans was found ({asked}). {why}"
        )


def _made(env: "gymnasium.Env | str") -> "gymnasium.Env":
    import gymnasium

    if isinstance(env, str):
        return gymnasium.make(env)
    if not isinstance(env, gymnasium.Env):
        raise ArgumentError(
            f"env: expected an environment or the id of one, got {env!r:.80}; pass an instance, e.g. MyEnv()."
        )
    return env


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


def _dataset(done: list[Episode], controller: Controller, seed: int) -> xr.Dataset:
    from dynlearn.trajectories.assemble import Runs, assemble
    from dynlearn.trajectories.instants import grid

    signature = controller.signature
    units = dict(zip(signature.output_names, signature.output_units, strict=False))
    units |= dict(zip(signature.control_names, signature.control_units, strict=False))
    units |= {"plan_seconds": "s"}
    runs = Runs(
        ids=range(len(done)),
        times=[grid(controller.interval, len(e.outputs)) for e in done],
        values={
            "output": [np.stack(e.outputs) for e in done],
            "control": [np.stack(e.controls) for e in done],
        },
        names={"output": signature.output_names, "control": signature.control_names},
        samples={name: [np.asarray(e.samples[name]) for e in done] for name in done[0].samples},
        units={name: unit for name, unit in units.items() if unit},
        time_attrs={"units": signature.time_unit} if signature.time_unit else {},
    )
    reasons: Counter = sum((e.reasons for e in done), Counter())
    return assemble(runs).assign_attrs(seed=seed, reasons=json.dumps(dict(reasons)))


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
