"""How a dataset is sampled, read off its instants."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from dynlearn.trajectories.schema import times_2d

RTOL = 1e-3
"""Intervals that differ by less than this fraction count as equal (clocks jitter, files round)."""


@dataclass(frozen=True)
class Sampling:
    """What the intervals between the samples of all runs say, in the dataset's time unit.

    All fields are None or False where no run has two samples.
    """

    interval: float | None
    """The sampling interval where it is the same everywhere (within `RTOL`), else None."""
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


def sampling(ds: xr.Dataset) -> Sampling:
    """Derive the sampling from `t`.

    The step is the mean of the shortest intervals (those below 1.5 times the smallest), rounded to 12
    digits. An interval counts as n steps where it is off by at most `n * RTOL` and 0.1 steps.

    >>> from dynlearn.trajectories import from_arrays
    >>> sampling(from_arrays(np.zeros(100), dt=0.1)).interval
    0.1
    >>> s = sampling(from_arrays(np.zeros(3), times=[0.0, 0.5, 2.0]))
    >>> s.interval, s.smallest, s.largest, s.regular, s.lattice, s.step
    (None, 0.5, 1.5, False, True, 0.5)
    """
    intervals = np.diff(times_2d(ds), axis=1)
    intervals = intervals[~np.isnan(intervals)]
    if intervals.size == 0:
        return Sampling(None, None, None, None, False, False, None)
    smallest, largest = float(intervals.min()), float(intervals.max())
    step = float(f"{intervals[intervals < 1.5 * smallest].mean():.12g}")
    multiples = np.rint(intervals / step)
    off = np.abs(intervals / step - multiples)
    lattice = bool((multiples >= 1).all() and (off <= np.minimum(RTOL * multiples, 0.1)).all())
    regular = lattice and bool((multiples == 1).all())
    typical = float(np.median(intervals))
    return Sampling(
        step if regular else None, smallest, typical, largest, regular, lattice, step if lattice else None
    )
