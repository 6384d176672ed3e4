"""An episode as a run: a row per sample, transitions at the sample where they start."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import xarray as xr

from dynlearn.trajectories.build.assemble import Runs, assemble
from dynlearn.trajectories.environments.world import Transition
from dynlearn.trajectories.times.instants import grid


@dataclasses.dataclass
class Episode:
    """One run as it grows: N + 1 outputs, N of everything else."""

    outputs: list[np.ndarray]
    controls: list[np.ndarray] = dataclasses.field(default_factory=list)
    samples: dict[str, list] = dataclasses.field(default_factory=dict)

    @classmethod
    def blank(cls, outputs: int, controls: int) -> Self:
        """One transition of zeros: what is refused of names and units is refused of it already."""
        samples: dict[str, list] = {"reward": [0.0], "terminated": [False], "truncated": [False]}
        return cls([np.zeros(outputs)] * 2, [np.zeros(controls)], samples)

    def add(self, action: np.ndarray, after: Transition, truncated: bool, **others: float) -> None:
        """One transition. `truncated` is whether it was the last one, by the environment or by us."""
        self.controls.append(np.array(action, np.float64).reshape(-1))
        self.outputs.append(after.outputs)
        values = {"reward": after.reward, "terminated": after.terminated, "truncated": truncated} | others
        for name, value in values.items():
            self.samples.setdefault(name, []).append(value)

    @property
    def total(self) -> float:
        """The undiscounted return."""
        return float(np.nansum(self.samples["reward"]))


@contextmanager
def keeping(episodes: list[Episode], dataset: Callable[[list[Episode]], xr.Dataset]) -> Iterator[None]:
    """Whatever ends a recording before its end carries what was recorded until then, as `runs`.

    The last episode is marked truncated where it was cut.
    """
    try:
        yield
    except BaseException as error:
        begun = [episode for episode in episodes if episode.controls]
        if begun:
            # It may have come between two episodes, or before the first step of one.
            last = begun[-1].samples
            over = last["terminated"][-1] or last["truncated"][-1]
            if not over:
                last["truncated"][-1] = True
            error.runs = dataset(begun)  # type: ignore[attr-defined]
            steps = 0 if over else len(begun[-1].controls)
            error.add_note(
                f"This ended episode {len(begun) - (not over)} after {steps} steps; what was recorded until then is "
                f"in this error's attribute `runs`, a dataset."
            )
        raise


def recorded(
    episodes: Sequence[Episode],
    interval: float,
    names: dict[str, Sequence[str]],
    units: Mapping[str, str],
    time_attrs: Mapping[str, str],
    *,
    starts: Sequence[float] | None = None,
    static: Sequence[np.ndarray] | None = None,
) -> xr.Dataset:
    """The episodes as a dataset; `starts` are the instants of their first samples, default 0."""
    values = {
        "output": [np.stack(episode.outputs) for episode in episodes],
        "control": [_closed(np.stack(episode.controls)) for episode in episodes],
    }
    if static is not None:
        values["static"] = list(static)
    samples = {
        name: [_closed(np.array(episode.samples[name])) for episode in episodes]
        for name in episodes[0].samples
    }
    begun = [0.0] * len(episodes) if starts is None else starts
    times = [start + grid(interval, len(run)) for start, run in zip(begun, values["output"], strict=True)]
    ids = range(len(episodes))
    return assemble(Runs(ids, times, values, names, samples, units, time_attrs))


def _closed(values: Any) -> np.ndarray:
    """One more row for the last sample, from which no transition starts."""
    last = False if values.dtype.kind == "b" else np.nan
    return np.concatenate([values, np.full_like(values[:1], last)])
