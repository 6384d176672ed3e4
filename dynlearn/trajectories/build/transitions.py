"""Rewards and ends of episodes: scalars of the transition that starts at a sample, and the cut at them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.build.assemble import Runs
from dynlearn.trajectories.times.instants import grid
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.numbers import as_float

FLAGS = ("terminated", "truncated")
TRANSITION = ("reward", *FLAGS)
"""What belongs to the transition that starts at a sample."""


def scalars(name: str, given: Any, lengths: Sequence[int], *, several: bool) -> list[np.ndarray]:
    """One array `(time,)` per run: floats for a reward, truth values for a flag."""
    if several and not isinstance(given, list | tuple | np.ndarray):
        remedy = "pass a list with one array per run"
        raise ArgumentError(refusal(name, "an entry per sample of every run", f"{given!r:.80}", remedy))
    runs = list(given) if several else [given]
    arrays = [typed(name, run) for run in runs]
    came = [run.shape for run in arrays]
    if came != [(length,) for length in lengths]:
        remedy = "give every sample an entry"
        if came == [(length - 1,) for length in lengths]:
            last = "NaN" if name == "reward" else "False"
            remedy = f"add a last {last} to every run: no transition starts at its last sample"
        expected = f"an entry per sample of every run {list(lengths)}"
        raise ArgumentError(refusal(name, expected, f"shapes {came}", remedy))
    return arrays


def typed(name: str, values: Any) -> np.ndarray:
    """A reward as numbers, a flag as truth values."""
    array = as_float(name, values)
    if name not in FLAGS:
        return array
    bad = ~np.isin(array, (0, 1))
    if bad.any():
        remedy = "say of every sample whether the episode ended there"
        raise ArgumentError(refusal(name, "True and False, or 0 and 1", f"{array[bad][0]}", remedy))
    return array == 1


def cut_at_ends(runs: Runs, dt: float | None) -> Runs:
    """Runs in which episodes follow one another, cut after every transition that ended one.

    An episode ends with the sample its last transition starts at. The sample after it is the next
    episode's first one, unless no transition starts there either (its reward is NaN; without rewards,
    its controls are): then it is the last observation of the same episode.

    With `dt` the instants of every piece start at 0. Where there was one run, the pieces are numbered;
    of several, a piece has the id "run/number".
    """
    if not set(FLAGS) & runs.samples.keys():
        return runs
    bounds = [_bounds(runs, i) for i in range(len(runs.times))]
    if all(len(edges) == 2 for edges in bounds):
        return runs
    pieces = [(i, a, b) for i, edges in enumerate(bounds) for a, b in pairwise(edges)]

    def taken(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [arrays[i][a:b] for i, a, b in pieces]

    ids: list = list(range(len(pieces)))
    if len(bounds) > 1:
        ids = [f"{runs.ids[i]}/{k}" for i, edges in enumerate(bounds) for k in range(len(edges) - 1)]
    values = {
        kind: [arrays[i] for i, *_ in pieces] if kind == "static" else taken(arrays)
        for kind, arrays in runs.values.items()
    }
    times = taken(runs.times) if dt is None else [grid(dt, b - a) for _, a, b in pieces]
    samples = {name: taken(arrays) for name, arrays in runs.samples.items()}
    return replace(runs, ids=ids, times=times, values=values, samples=samples)


def _bounds(runs: Runs, i: int) -> list[int]:
    """Where the episodes of run i begin, and where the last one ends."""
    ended = np.any([runs.samples[name][i] for name in FLAGS if name in runs.samples], axis=0)
    if "reward" in runs.samples:
        nothing = np.isnan(runs.samples["reward"][i])
    elif "control" in runs.values:
        nothing = np.isnan(runs.values["control"][i]).all(axis=1)
    else:
        nothing = np.zeros(len(ended), bool)
    closing = nothing & ~ended
    after = np.flatnonzero(ended) + 1
    after += np.append(closing, False)[after]
    return [0, *after[after < len(ended)].tolist(), len(ended)]
