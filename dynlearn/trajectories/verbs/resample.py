"""Interpolation to a regular grid: only when asked, and never across a long gap."""

import math
import numbers
from collections.abc import Callable

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError, unknown
from dynlearn.trajectories.hold import Hold
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.schema import hold, run_lengths, times_2d
from dynlearn.trajectories.times.instants import grid
from dynlearn.trajectories.verbs.gather import with_own_times

METHODS = ("linear", "previous")
SNAP = 1e-6
"""A grid instant this close to a sample, in units of dt, takes its value."""


def resample(
    ds: xr.Dataset, dt: float, method: str = "linear", *, max_gap: float | None = None
) -> xr.Dataset:
    """Every run on its own grid `t0 + dt * arange(n)`, up to its last sample.

    Outputs (and states) are interpolated between the two measured neighbours of the same channel;
    where these are further apart than `max_gap`, and before the first and after the last measurement,
    the result is NaN: not measured. A control is what is applied at the grid instant: the last value
    under zero hold (a change inside a grid interval is seen only at its end), interpolated under
    linear hold. Use `regularize` where the samples already lie on a grid: it invents nothing.

    Args:
        ds: trajectories under the schema.
        dt: of the grid, in the unit of `t`.
        method: "linear", or "previous" (the last measured value).
        max_gap: in the unit of `t`; default twice the larger of `dt` and the median sampling interval.

    Raises:
        ArgumentError: a variable that cannot be interpolated, such as rewards.

    >>> from dynlearn.trajectories import from_arrays
    >>> ds = from_arrays(np.array([0.0, 2.0, 3.0]), times=[0.0, 1.0, 1.5])
    >>> resample(ds, 0.5)["output"].values[0, :, 0]
    array([0., 1., 2., 3.])
    """
    if method not in METHODS:
        raise ArgumentError(unknown("method", method, METHODS))
    refuse_rewards(ds, "resample")
    ds, lengths = with_own_times(ds), run_lengths(ds)
    t = [row[:n] for row, n in zip(times_2d(ds), lengths, strict=True)]
    grids = [
        grid(dt, math.floor((run[-1] - run[0]) / dt + SNAP) + 1 if _positive(dt) else 1, run[0]) for run in t
    ]
    gap = _gap(max_gap, dt, t)
    carriers: dict[str, Callable] = {"output": _interpolated, "state": _interpolated}
    carriers["control"] = _held if hold(ds) is Hold.ZERO else _interpolated
    rules = {"output": (method, gap), "state": (method, gap), "control": ("linear", math.inf)}
    new = {}
    for name in (name for name in carriers if name in ds):
        values = ds[name].transpose("trajectory", "time", ...)
        runs = [
            carriers[name](old, row[: len(old)].reshape(len(old), -1), fresh, SNAP * dt, *rules[name])
            for old, row, fresh in zip(t, values.values, grids, strict=True)
        ]
        shape = values.shape[2:]
        new[name] = (values.dims, stacked([run.reshape(len(run), *shape) for run in runs]), values.attrs)
    times = (("trajectory", "time"), stacked(grids), ds["t"].attrs)
    return ds.drop_vars([*new, "t"]).assign(new).assign_coords(t=times)


def stacked(runs: list[np.ndarray]) -> np.ndarray:
    """Runs `(time, ...)` of unequal length as one array, NaN after the end."""
    longest = max(len(run) for run in runs)
    padded = np.full((len(runs), longest, *runs[0].shape[1:]), np.nan, runs[0].dtype)
    for row, run in zip(padded, runs, strict=True):
        row[: len(run)] = run
    return padded


def refuse_rewards(ds: xr.Dataset, verb: str) -> None:
    """Raise for per-sample variables that mean something for one transition only."""
    known = {"output", "control", "state", "t"}
    other = [str(name) for name, v in ds.variables.items() if "time" in v.dims and name not in known]
    if other:
        expected = f"only outputs, states and controls along time in {verb}"
        remedy = f"leave it out with ds.drop_vars({other!r})"
        raise ArgumentError(refusal(other[0], expected, "a variable that is not interpolated", remedy))


def _interpolated(
    t: np.ndarray, values: np.ndarray, new: np.ndarray, snap: float, method: str, gap: float
) -> np.ndarray:
    """Each column of `values` (time, column) at the instants `new`."""
    return np.stack([_column(t, column, new, snap, method, gap) for column in values.T], axis=1)


def _column(t, column, new, snap, method, gap) -> np.ndarray:
    measured = ~np.isnan(column)
    t, column = t[measured], column[measured]
    if t.size == 0:
        return np.full(new.shape, np.nan, column.dtype)
    left = np.searchsorted(t, new + snap, side="right") - 1  # the last measurement not after `new`
    right = np.minimum(left + 1, t.size - 1)
    since = new - t[left]
    hit = (left >= 0) & (since <= snap)
    if method == "previous":
        known, result = (left >= 0) & (since <= gap), column[left]
    else:
        inside = (left >= 0) & (left + 1 < t.size)
        known, result = inside & (t[right] - t[left] <= gap), np.interp(new, t, column)
    return np.where(hit, column[left], np.where(known, result, np.nan)).astype(column.dtype)


def _held(t: np.ndarray, values: np.ndarray, new: np.ndarray, snap: float, *_) -> np.ndarray:
    return values[np.searchsorted(t, new + snap, side="right") - 1]


def _positive(dt: float) -> bool:
    return isinstance(dt, numbers.Real) and math.isfinite(dt) and dt > 0


def _gap(max_gap: float | None, dt: float, t: list[np.ndarray]) -> float:
    if max_gap is None:
        intervals = np.concatenate([np.diff(run) for run in t])
        return 2 * max(dt, float(np.median(intervals))) if intervals.size else 2 * dt
    if not isinstance(max_gap, numbers.Real) or not max_gap > 0:
        remedy = "pass math.inf to interpolate across every gap"
        raise ArgumentError(refusal("max_gap", "a positive time", repr(max_gap), remedy))
    return float(max_gap)
