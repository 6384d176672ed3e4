"""Instants: from a step, from numbers, from dates, to float64 arrays, one per run."""

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from dynlearn.errors import ArgumentError, unknown
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.times import calendar
from dynlearn.trajectories.times.compact_dates import check_not_compact
from dynlearn.trajectories.times.moments import Moments
from dynlearn.trajectories.times.spellings import as_instants

PARTS = {"ns": 10**9, "us": 10**6, "ms": 10**3}
"""Time units shorter than a second: how many there are in one."""
LENGTHS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "week": 604800}
"""Time units of a second and more, in seconds."""
ROUNDED = 1e-3
"""By this fraction of an interval integers may be rounded to float64."""
UNITS = (*PARTS, *LENGTHS, *calendar.MONTHS)
"""The time units that dates can be converted to."""


def grid(dt: float, length: int, start: float = 0.0) -> np.ndarray:
    """`start + dt * arange(length)`: every instant is computed, none is the one before plus a step.

    >>> grid(0.1, 4).tolist()
    [0.0, 0.1, 0.2, 0.30000000000000004]
    """
    if not isinstance(dt, numbers.Real) or isinstance(dt, bool) or not math.isfinite(dt) or dt <= 0:
        raise ArgumentError(refusal("dt", "a positive finite number", repr(dt), "pass e.g. dt=0.1"))
    return start + float(dt) * np.arange(length)


def from_dates(
    runs: Sequence[np.ndarray], unit: str = "", *, utc: bool = False
) -> tuple[list[np.ndarray], dict[str, str]]:
    """Dates as numbers since the earliest of them, and the attributes of `t` that say so.

    Args:
        runs: one array per run, as `as_instants` gives them: of numbers, of dates of any resolution, or of time
            differences.
        unit: the time unit wanted; for dates and differences "" means "s". With "month" and "year", which are
            not equally long, dates are counted, not measured.
        utc: whether dates said where their clock stands (`in_utc`); the origin then says so too, by its Z.

    Returns:
        float64 arrays, NaN for NaT, and {"units": ..., "origin": ISO date}. Differences have no origin; numbers
        come back as they are.

    >>> days = np.array(["2024-01-01", "2024-01-03"], dtype="datetime64[D]")
    >>> from_dates([days], "h")
    ([array([ 0., 48.])], {'units': 'h', 'origin': '2024-01-01T00:00:00.000000000'})
    """
    kinds = {run.dtype.kind for run in runs}
    if not kinds & {"M", "m"}:
        check_not_compact(runs)
        return [_numbers(run) for run in runs], {"units": unit} if unit else {}
    if len(kinds) > 1:
        expected = "dates in every run or in none"
        raise ArgumentError(refusal("times", expected, "both", "convert them to one kind"))
    if unit and unit not in UNITS:
        raise ArgumentError(unknown("time unit for dates", unit, UNITS))
    unit = unit or "s"
    moments, edges = Moments.of(runs), np.cumsum([run.size for run in runs])[:-1]
    if kinds == {"m"}:
        flat = _in_unit(moments, unit)
        return _as_runs(flat, runs, edges), {"units": unit}
    first = moments.earliest()
    flat = _since(moments, first, unit)
    return _as_runs(flat, runs, edges), {"units": unit, "origin": first.iso() + "Z" * utc}


def relative(attrs: dict, values: Any) -> np.ndarray:
    """Instants on the clock of a dataset: numbers as they are, dates counted from its origin.

    Args:
        attrs: of its `t`.
        values: anything `as_instants` takes.

    Raises:
        ArgumentError: dates where the dataset has no date at t = 0.

    >>> relative({"units": "d", "origin": "2024-01-01T00:00:00.000000000"}, ["2024-01-03"])
    array([2.])
    """
    given = as_instants(values)
    if given.dtype.kind in "iuf":
        return _numbers(given)
    unit, origin = attrs.get("units", ""), attrs.get("origin")
    if given.dtype.kind != "M" or origin is None or unit not in UNITS:
        came = "dates" if given.dtype.kind == "M" else f"dtype {given.dtype}"
        since = f"{unit!r} since {origin}" if origin else "without a date at t = 0"
        expected = f"numbers in the time unit of the data ({since})"
        raise ArgumentError(refusal("times", expected, came, "pass numbers"))
    try:
        first = Moments.from_iso(origin)
    except ValueError as error:
        remedy = "correct the attribute"
        raise ArgumentError(refusal('t.attrs["origin"]', "an ISO date", repr(origin), remedy)) from error
    return _since(Moments.of([given]), first, unit).reshape(given.shape)


def iso_dates(t: np.ndarray, attrs: dict) -> np.ndarray | None:
    """Instants of a dataset as ISO 8601 text, None where they have no date at 0: the way back of `relative`.

    Where the origin says that it is in UTC, so do they. No digit is written that float64 does not carry at that
    distance from the origin.

    Raises:
        ArgumentError: parts of a month or a year, which no date stands for.

    >>> iso_dates(np.array([0.0, 1.5]), {"units": "d", "origin": "2024-01-01T00:00:00.000000000"}).tolist()
    ['2024-01-01T00:00:00', '2024-01-02T12:00:00']
    >>> iso_dates(np.array([0.0, 2.0]), {"units": "month", "origin": "2024-01-31T00:00:00.0"}).tolist()
    ['2024-01-31', '2024-03-31']
    """
    unit, origin = attrs.get("units", ""), attrs.get("origin")
    if origin is None or unit not in UNITS:
        return None
    first, zone = Moments.from_iso(origin), "Z" * origin.endswith("Z")
    if unit in calendar.MONTHS:
        if (t != np.rint(t)).any():
            remedy = "forecast at whole ones, or write .nc"
            raise ArgumentError(refusal("times", f"whole {unit}s", f"{t[t != np.rint(t)][0]:g}", remedy))
        return calendar.later(first, t.astype(np.int64) * calendar.MONTHS[unit]).texts(zone)
    per = PARTS.get(unit, 1)
    whole, rest = np.divmod(t, per) if unit in PARTS else np.divmod(t * LENGTHS[unit], 1.0)
    fraction = rest / per
    # As many digits as the values have, up to the rounding of float64.
    spacing = 4 * np.spacing(np.abs(t).max(initial=1.0)) * LENGTHS.get(unit, 1 / per)
    fits = (10**k for k in range(9) if np.abs(np.rint(fraction * 10**k) / 10**k - fraction).max() <= spacing)
    parts = next(fits, 10**9)
    seconds = whole.astype(np.int64)
    since = Moments(seconds, np.rint(fraction * parts).astype(np.int64), np.zeros(t.shape, bool), parts)
    return (since + first).texts(zone)


def _as_runs(flat: np.ndarray, runs: Sequence[np.ndarray], edges: np.ndarray) -> list[np.ndarray]:
    return [part.reshape(run.shape) for part, run in zip(np.split(flat, edges), runs, strict=True)]


def _since(moments: Moments, first: Moments, unit: str) -> np.ndarray:
    """Dates as numbers of `unit` since `first`, which holds one date."""
    if unit in calendar.MONTHS:
        return calendar.counts(moments, first, unit)
    return _in_unit(moments - first, unit)


def _in_unit(differences: Moments, unit: str) -> np.ndarray:
    """Time differences as float64; through whole numbers, so that they are rounded once, where int64 holds them."""
    if unit in calendar.MONTHS:
        remedy = f'pass e.g. units={{"t": "d"}}, or dates, which can be counted by {unit}'
        raise ArgumentError(refusal("times", f"dates for the unit {unit!r}", "time differences", remedy))
    exact = differences.at_least(PARTS.get(unit, 1))
    step = exact.per // PARTS[unit] if unit in PARTS else exact.per * LENGTHS[unit]
    if np.abs(exact.seconds).max(initial=0) < 2**62 // exact.per:
        values = (exact.seconds * exact.per + exact.rest) / step
    else:
        values = exact.seconds / (step / exact.per) + exact.rest / step
    return np.where(exact.missing, np.nan, values)


def _numbers(run: np.ndarray) -> np.ndarray:
    if run.dtype.kind not in "iuf":
        remedy = "pass numbers or dates; convert text with pandas.to_datetime or pandas.to_numeric"
        raise ArgumentError(refusal("times", "numbers or datetime64 values", f"dtype {run.dtype}", remedy))
    rounded = run.astype(np.float64)
    if run.dtype.kind in "iu":
        intervals = np.diff(run.astype(np.int64)).astype(np.float64)
        lost = np.flatnonzero(np.abs(np.diff(rounded) - intervals) > ROUNDED * np.abs(intervals))
        if lost.size:
            came = f"integers that it rounds, {run[lost[0]]} and {run[lost[0] + 1]}"
            remedy = 'subtract the first one, or convert Unix times by pandas.to_datetime(values, unit="ns")'
            raise ArgumentError(refusal("times", "intervals that float64 holds", came, remedy))
    return rounded
