"""Instants: from a step, from numbers, from dates, to float64 arrays, one per run."""

import math
import numbers
from typing import Any

import numpy as np
import pandas as pd

from dynlearn.errors import ArgumentError, unknown
from dynlearn.trajectories.message import refusal

SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
"""The time units that dates can be converted to, in seconds."""


def grid(dt: float, length: int, start: float = 0.0) -> np.ndarray:
    """`start + dt * arange(length)`: every instant is computed, none is the one before plus a step.

    >>> grid(0.1, 4).tolist()
    [0.0, 0.1, 0.2, 0.30000000000000004]
    """
    if not isinstance(dt, numbers.Real) or isinstance(dt, bool) or not math.isfinite(dt) or dt <= 0:
        raise ArgumentError(refusal("dt", "a positive finite number", repr(dt), "pass e.g. dt=0.1"))
    return start + float(dt) * np.arange(length)


def from_dates(runs: list[np.ndarray], unit: str = "") -> tuple[list[np.ndarray], dict[str, str]]:
    """Dates as numbers since the earliest of them, and the attributes of `t` that say so.

    **Args** `runs`: one array per run, of numbers or of dates. `unit`: the time unit wanted; for
    dates "" means "s". **Returns** float64 arrays, and {"units": ..., "origin": ISO date}. Numbers
    come back as they are.

    >>> days = np.array(["2024-01-01", "2024-01-03"], dtype="datetime64[D]")
    >>> from_dates([days], "h")
    ([array([ 0., 48.])], {'units': 'h', 'origin': '2024-01-01T00:00:00.000000000'})
    """
    if not any(run.dtype.kind == "M" for run in runs):
        return [_numbers(run) for run in runs], {"units": unit} if unit else {}
    if not all(run.dtype.kind == "M" for run in runs):
        raise ArgumentError(
            refusal("times", "dates in every run or in none", "both", "convert them to one kind")
        )
    if unit and unit not in SECONDS:
        raise ArgumentError(unknown("time unit for dates", unit, SECONDS))
    unit = unit or "s"
    dates = [run.astype("datetime64[ns]") for run in runs]
    origin = min(np.nanmin(run) for run in dates if not np.isnat(run).all())
    step = np.timedelta64(round(SECONDS[unit] * 1e9), "ns")
    return [(run - origin) / step for run in dates], {"units": unit, "origin": str(origin)}


def as_instants(values: Any) -> np.ndarray:
    """An array of numbers or of datetime64 from anything array-like, pandas dates with a zone included.

    Dates with a time zone are expressed in UTC.
    """
    if isinstance(values, pd.Series | pd.Index):
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            values = pd.DatetimeIndex(values).tz_convert("UTC").tz_localize(None)
        return values.to_numpy()
    return np.asarray(values)


def _numbers(run: np.ndarray) -> np.ndarray:
    if run.dtype.kind not in "iuf":
        remedy = "pass numbers or dates; convert text with pandas.to_datetime or pandas.to_numeric"
        raise ArgumentError(refusal("times", "numbers or datetime64 values", f"dtype {run.dtype}", remedy))
    return run.astype(np.float64)
