"""Selection: before and after an instant, one run, other run ids."""

import datetime
import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError, unknown
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.schema import run_ids, run_lengths, times_2d
from dynlearn.trajectories.times.instants import relative
from dynlearn.trajectories.verbs.gather import gather, ids_array


def before(ds: xr.Dataset, instant: Any, *, short: str = "error") -> xr.Dataset:
    """The samples with t < `instant` of every run. With `after` at the same instant: a partition.

    Args:
        ds: trajectories under the schema.
        instant: in the unit of `t`, or a date where `t` has an origin.
        short: what to do with a run that has no such sample: "error", or "drop" it.

    >>> from dynlearn.trajectories import from_arrays
    >>> before(from_arrays(np.zeros(5), dt=1.0), 2.0).t.values
    array([[0., 1.]])
    """
    instant = _number(ds, instant)
    stops = _count_before(ds, instant)
    return keep(ds, np.zeros_like(stops), stops, f"a sample before t = {instant:g}", short)


def after(ds: xr.Dataset, instant: Any, *, short: str = "error") -> xr.Dataset:
    """The samples with t >= `instant` of every run; `short` as in `before`."""
    instant = _number(ds, instant)
    starts = _count_before(ds, instant)
    return keep(ds, starts, run_lengths(ds), f"a sample at or after t = {instant:g}", short)


def between(ds: xr.Dataset, start: Any, stop: Any, *, short: str = "error") -> xr.Dataset:
    """The samples with `start` <= t < `stop` of every run; `short` as in `before`."""
    start, stop = _number(ds, start), _number(ds, stop)
    starts, stops = _count_before(ds, start), _count_before(ds, stop)
    if stop <= start:
        raise ArgumentError(refusal("stop", f"an instant after start = {start:g}", f"{stop:g}", "swap them"))
    return keep(ds, starts, stops, f"a sample with {start:g} <= t < {stop:g}", short)


def keep(ds: xr.Dataset, starts: np.ndarray, stops: np.ndarray, what: str, short: str) -> xr.Dataset:
    """The samples `starts[i]` to `stops[i]` of every run i; runs with none are an error or dropped."""
    rows = nonempty(ds, stops - starts, what, short)
    return gather(ds, rows, starts[rows], (stops - starts)[rows], ds["trajectory"].values[rows])


def nonempty(ds: xr.Dataset, counts: np.ndarray, what: str, short: str) -> np.ndarray:
    """The rows with a positive count; `short="error"` raises for the first one without."""
    if short not in ("error", "drop"):
        raise ArgumentError(unknown("value of short", short, ("error", "drop")))
    rows = np.flatnonzero(counts > 0)
    if len(rows) == 0 or (short == "error" and len(rows) < len(counts)):
        i = int(np.argmin(counts > 0))
        t = times_2d(ds)[i, : run_lengths(ds)[i]]
        came = f"none in run {run_ids(ds)[i]!r} ({len(t)} samples, t from {t[0]:g} to {t[-1]:g})"
        remedy = 'ask for less, or pass short="drop" to leave such runs out'
        if len(rows) == 0:
            remedy = "ask for less: no run has any"
        raise ArgumentError(refusal("every run", what, came, remedy))
    return rows


def run(ds: xr.Dataset, name: Any) -> xr.Dataset:
    """One run as a dataset of its own, without padding.

    >>> from dynlearn.trajectories import from_arrays
    >>> run(from_arrays([np.zeros(4), np.zeros(2)], dt=1.0, runs=["a", "b"]), "b").sizes["time"]
    2
    """
    i = _row(ds, name)
    return gather(ds, np.array([i]), np.array([0]), run_lengths(ds)[[i]], [run_ids(ds)[i]])


def times(ds: xr.Dataset, name: Any) -> np.ndarray:
    """The instants of one run, float64 `(time,)`, without padding."""
    i = _row(ds, name)
    return times_2d(ds)[i, : run_lengths(ds)[i]].copy()


def rename_runs(ds: xr.Dataset, ids: Sequence | None = None, *, prefix: str | None = None) -> xr.Dataset:
    """The dataset with other run ids: `ids`, one per run, or the present ones as text after `prefix`.

    >>> from dynlearn.trajectories import from_arrays
    >>> two = from_arrays([np.zeros(2), np.zeros(2)], dt=1.0)
    >>> rename_runs(two, prefix="day1-").trajectory.values.tolist()
    ['day1-0', 'day1-1']
    """
    if (ids is None) == (prefix is None):
        came = "neither" if ids is None else "both"
        raise ArgumentError(refusal("ids, prefix", "exactly one of them", came, 'pass e.g. prefix="a-"'))
    new = [f"{prefix}{old}" for old in run_ids(ds)] if ids is None else list(ids)
    if len(new) != ds.sizes["trajectory"] or len(set(new)) != len(new):
        expected = f"{ds.sizes['trajectory']} different run ids"
        raise ArgumentError(refusal("ids", expected, new, "name every run once"))
    return ds.assign_coords(trajectory=ids_array(new))


def _row(ds: xr.Dataset, name: Any) -> int:
    ids = run_ids(ds)
    if name not in ids:
        raise ArgumentError(unknown("run", name, ids))
    return ids.index(name)


def _number(ds: xr.Dataset, instant: Any) -> float:
    """An instant on the clock of the dataset, which can be given as a date where that has an origin."""
    if isinstance(instant, str | datetime.date | np.datetime64):
        return float(relative(ds["t"].attrs, [instant])[0])
    if not isinstance(instant, numbers.Real) or isinstance(instant, bool) or not math.isfinite(instant):
        remedy = f"pass a number in the unit of t; {ds['t'].attrs or 'it states none'}"
        raise ArgumentError(refusal("instant", "a finite number", repr(instant), remedy))
    return float(instant)


def _count_before(ds: xr.Dataset, instant: Any) -> np.ndarray:
    return (times_2d(ds) < instant).sum(axis=1)
