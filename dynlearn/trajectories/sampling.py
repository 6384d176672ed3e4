"""How a dataset is sampled, read off its instants."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from dynlearn.trajectories.device.blocks import by_runs
from dynlearn.trajectories.device.blocks import intervals as intervals_of
from dynlearn.trajectories.device.ragged import groups
from dynlearn.trajectories.once import once
from dynlearn.trajectories.schema import time_unit, times_2d
from dynlearn.trajectories.times.clock import on_grid, resolution, steps_taken

RTOL = 1e-3
"""Intervals that differ by less than this fraction count as equal (clocks jitter, files round)."""
WITNESSES = 10
"""So many intervals must lie on a line for a coarse clock to be believed where the step is not known."""


@dataclass(frozen=True)
class Sampling:
    """What the intervals between the samples of all runs say, in the dataset's time unit.

    All fields are None or False where no run has two samples.
    """

    interval: float | None
    """The sampling interval where it is the same everywhere, up to `RTOL` or the clock, else None."""
    smallest: float | None
    typical: float | None
    """The median interval."""
    largest: float | None
    regular: bool
    """Every interval equals `interval`."""
    lattice: bool
    """Every interval is a whole multiple of `step`: a regular grid with samples left out."""
    step: float | None
    """The step of that grid; equal to `interval` where sampling is regular, else None if no lattice."""


@once
def sampling(ds: xr.Dataset) -> Sampling:
    """Derive the sampling from `t`.

    The step is the mean of the shortest intervals (those below 1.5 times the smallest), rounded to 12
    digits. An interval counts as n steps where it is off by at most `n * RTOL` and 0.1 steps.

    Where that fails, the clock may be to blame: instants `t0 + dt * n` rounded to a resolution that is
    seen in the instants themselves (`clock.resolution`) lie within it along one line, and the step is
    the slope of the fitted line.

    >>> from dynlearn.trajectories import from_arrays
    >>> sampling(from_arrays(np.zeros(100), dt=0.1)).interval
    0.1
    >>> s = sampling(from_arrays(np.zeros(3), times=[0.0, 0.5, 2.0]))
    >>> s.interval, s.smallest, s.largest, s.regular, s.lattice, s.step
    (None, 0.5, 1.5, False, True, 0.5)
    >>> milliseconds = np.round(np.arange(100) / 60, 3)
    >>> round(sampling(from_arrays(np.zeros(100), times=milliseconds)).interval, 5)
    0.01667
    """
    t = times_2d(ds)
    intervals = intervals_of(t)
    if intervals.size == 0:
        return Sampling(None, None, None, None, False, False, None)
    smallest, largest = float(intervals.min()), float(intervals.max())
    short = _step(intervals, smallest)
    step: float | None = short
    multiples = np.rint(intervals / short)
    off = np.abs(intervals / short - multiples)
    lattice = bool((multiples >= 1).all() and (off <= np.minimum(RTOL * multiples, 0.1)).all())
    if not lattice and intervals.size >= WITNESSES:
        step, multiples = _by_the_clock(t, short)
        lattice = step is not None
    regular = lattice and bool((multiples == 1).all())
    typical = float(np.median(intervals))
    return Sampling(
        step if regular else None, smallest, typical, largest, regular, lattice, step if lattice else None
    )


def agrees(t: np.ndarray, interval: float) -> bool:
    """Whether the instants `(run, time)`, NaN after the end, follow each other at this interval.

    Up to `RTOL`, or up to the resolution of their clock.
    """
    intervals = intervals_of(t)
    if (np.abs(intervals - interval) <= RTOL * interval).all():
        return True
    if not (np.abs(intervals - interval) < interval / 2).all():
        return False
    parts = _alike(t)
    one_each = [np.where(np.isnan(part), 0, np.arange(part.shape[1])) for part in parts]
    return on_grid(parts, one_each, interval, resolution(t, interval), fitted=False, slack=RTOL)


def made_regular(ds: xr.Dataset, interval: float | None = None) -> str:
    """What to do with these samples for a discrete-time model, or for one of this interval, as code."""
    if interval is None and _monthly(ds):
        return 'build it with units={"t": "month"}, which counts the months'
    found = sampling(ds)
    if found.step is not None and not found.regular and (interval is None or _same(found.step, interval)):
        return "call ds.dyn.regularize() (--regularize on the command line)"
    dt = f"{found.typical:.3g}" if interval is None else f"{interval:g}"
    return f"call ds.dyn.resample({dt})"


def _same(step: float, interval: float) -> bool:
    return abs(step - interval) <= RTOL * interval


def _monthly(ds: xr.Dataset) -> bool:
    """Whether the instants are dates 28 to 31 days apart."""
    in_days = {"d": 1, "h": 24, "min": 1440, "s": 86400}.get(time_unit(ds))
    intervals = intervals_of(times_2d(ds))
    if in_days is None or "origin" not in ds["t"].attrs or intervals.size == 0:
        return False
    return bool(np.isin(np.round(intervals / in_days, 6), (28, 29, 30, 31)).all())


def _step(intervals: np.ndarray, smallest: float) -> float:
    return float(f"{intervals[intervals < 1.5 * smallest].mean():.12g}")


def _by_the_clock(t: np.ndarray, first_guess: float) -> tuple[float | None, np.ndarray]:
    """Step and multiples of a lattice whose instants a clock has rounded; None where it is none."""
    parts = _alike(t)
    steps = [steps_taken(part, first_guess) for part in parts]
    each = [
        np.diff(n, axis=1)[~np.isnan(np.diff(part, axis=1))] for n, part in zip(steps, parts, strict=True)
    ]
    multiples = np.concatenate(each)
    if (multiples < 1).any():
        return None, multiples
    step = _slope(parts, steps)
    return (
        (step, multiples)
        if on_grid(parts, steps, step, resolution(t, step), fitted=True)
        else (None, multiples)
    )


def _alike(t: np.ndarray) -> list[np.ndarray]:
    """The instants of runs of similar length: all of them, where padding wastes little."""
    lengths = by_runs(lambda t: np.isfinite(t).sum(axis=1), t)
    found = groups(lengths)
    return [t] if len(found) == 1 else [t[which, : lengths[which].max()] for which in found]


def _slope(t: Sequence[np.ndarray], steps: Sequence[np.ndarray]) -> float:
    """Of the line fitted to instants over steps, with an offset for every run."""
    up, along = np.sum([_squares(*group) for group in zip(t, steps, strict=True)], axis=0)
    return float(f"{up / along:.12g}")


def _squares(t: np.ndarray, steps: np.ndarray) -> tuple[float, float]:
    """Sum of steps times instants, and of squared steps, each around the mean of its run."""
    known = ~np.isnan(t)
    count = known.sum(axis=1, keepdims=True)
    x = np.where(known, steps - np.where(known, steps, 0).sum(1, keepdims=True) / count, 0.0)
    y = np.where(known, t - np.where(known, t, 0).sum(1, keepdims=True) / count, 0.0)
    return float((x * y).sum()), float((x * x).sum())
