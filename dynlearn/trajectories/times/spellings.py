"""Times as people have them: numbers, dates, text, periods, time differences, with zones or without."""

import datetime as dt
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.times.iso_text import check_zones, from_text, says_offset
from dynlearn.trajectories.times.moments import Moments

EPOCH, MICROSECOND = dt.datetime(1970, 1, 1), dt.timedelta(microseconds=1)
MOST_DAYS = 10**8
"""What 64 bits hold in microseconds, rounded down."""


def as_instants(values: Any) -> np.ndarray:
    """An array of numbers, of datetime64 or of timedelta64 from anything array-like that tells times.

    Dates with a zone or an offset, also one that changes between summer and winter, are expressed in
    UTC. A period (pandas) stands for its first instant. Missing dates are NaT.

    >>> as_instants(["2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00"])
    array(['2024-10-27T00:30:00', '2024-10-27T01:30:00'],
          dtype='datetime64[s]')
    """
    if isinstance(values, pd.Series | pd.Index):
        values = _from_pandas(values)
    if isinstance(values, list | tuple) and any(
        isinstance(v, np.datetime64 | np.timedelta64) for v in values
    ):
        values = np.array([*values, None], object)[:-1]  # not by NumPy, which wraps around for far years
    try:
        array = np.asarray(values)
    except ValueError as error:  # ragged
        remedy = "pass a list with one array per run"
        raise ArgumentError(refusal("times", "one instant per sample", "a ragged list", remedy)) from error
    if array.dtype.kind not in "OUT":
        return array
    return _from_objects(array.ravel().tolist()).reshape(array.shape)


def _from_pandas(values: "pd.Series | pd.Index") -> Any:
    dtype = values.dtype
    if isinstance(values, pd.MultiIndex):
        remedy = "pass one of its levels"
        raise ArgumentError(refusal("times", "one level of instants", "a MultiIndex", remedy))
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pd.DatetimeIndex(values).tz_convert("UTC").tz_localize(None).to_numpy()
    if isinstance(dtype, pd.PeriodDtype):
        return _period_starts(pd.PeriodIndex(values))
    if pd.api.types.is_integer_dtype(dtype) and not values.hasnans:
        return values.to_numpy(dtype=np.uint64 if pd.api.types.is_unsigned_integer_dtype(dtype) else np.int64)
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    return values.to_numpy()


def _period_starts(periods: pd.PeriodIndex) -> np.ndarray:
    """Through seconds, which hold every year; only periods shorter than one go through their own unit."""
    unit = {"ms": "ms", "us": "us", "ns": "ns"}.get(periods.freqstr, "s")
    starts = periods.asfreq(unit, how="start").asi8.astype(f"datetime64[{unit}]")
    return np.where(periods.isna(), np.datetime64("NaT"), starts)


def _from_objects(values: list) -> np.ndarray:
    known = [value for value in values if not _is_missing(value)]
    for kind, convert in KINDS:
        if known and all(isinstance(value, kind) for value in known):
            found = convert(known)
            if len(known) == len(values):
                return found
            full = np.full(len(values), np.nan if found.dtype.kind == "f" else "NaT", found.dtype)
            full[[not _is_missing(value) for value in values]] = found
            return full
    if not known:
        return np.full(len(values), "NaT", "datetime64[us]")
    first: dict[str, str] = {}
    for i, value in enumerate(values):
        if not _is_missing(value):
            first.setdefault(type(value).__name__, f"{value!r:.80} in sample {i}")
    came = " and ".join(f"{kind} ({example})" for kind, example in sorted(first.items()))
    remedy = "pass numbers, dates or ISO 8601 text of one kind; see also pandas.to_datetime"
    raise ArgumentError(refusal("times", "numbers or dates", came, remedy))


def _is_missing(value: Any) -> bool:
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value)


def in_utc(values: Any) -> bool:
    """Whether these are dates that say where their clock stands: `as_instants` then gives them in UTC.

    The first date speaks for all, for `as_instants` refuses those of which only some say it.

    >>> in_utc(["2024-10-27T02:30:00+02:00"]), in_utc(["2024-10-27"]), in_utc([1.5])
    (True, False, False)
    """
    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, pd.DatetimeTZDtype) or getattr(dtype, "time_zone", None):  # pandas, polars
        return True
    if isinstance(dtype, np.dtype) and dtype.kind not in "OUT":
        return False
    known = (value for value in np.asarray(values, object).ravel() if not _is_missing(value))
    first = next(known, None)
    if isinstance(first, dt.datetime):
        return first.utcoffset() is not None
    return isinstance(first, str) and says_offset(first)


def _from_dates(values: Sequence[dt.date]) -> np.ndarray:
    """`datetime`, `date` and `pandas.Timestamp`, with zones or without."""
    full = [v if isinstance(v, dt.datetime) else dt.datetime.combine(v, dt.time()) for v in values]
    aware = [value.utcoffset() is not None for value in full]
    check_zones(aware)
    micro = [_microseconds(value) for value in full]
    seconds, rest = np.divmod(np.array(micro, np.int64), 10**6)
    rest = rest * 1000 + np.array([getattr(value, "nanosecond", 0) for value in full], np.int64)
    return Moments(seconds, rest, np.zeros(len(full), bool), 10**9).array("M")


def _microseconds(value: dt.datetime) -> int:
    """Since 1970 in UTC, by whole numbers, which no offset leads out of the calendar; nanoseconds are counted apart."""
    parts = (value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
    offset = value.utcoffset() or dt.timedelta()
    return (dt.datetime(*parts) - EPOCH) // MICROSECOND - offset // MICROSECOND


def _from_numpy(values: Sequence[Any]) -> np.ndarray:
    """datetime64 or timedelta64, and other time differences: exactly, whatever resolutions there are."""
    values = [_as_timedelta64(value) if isinstance(value, dt.timedelta) else value for value in values]
    places: dict[Any, list[int]] = {}
    for i, value in enumerate(values):
        places.setdefault(value.dtype, []).append(i)
    parts = [np.array([values[i] for i in chosen]) for chosen in places.values()]
    if len(parts) == 1:
        return parts[0]
    joined = Moments.of(parts).array(parts[0].dtype.kind)
    return joined[np.argsort(np.concatenate(list(places.values())))]


def _from_periods(values: Sequence[pd.Period]) -> np.ndarray:
    lengths = sorted({value.freqstr for value in values})
    if len(lengths) > 1:
        raise ArgumentError(refusal("times", "periods of one length", lengths, "convert them with asfreq"))
    return _period_starts(pd.PeriodIndex(values))


def _as_timedelta64(value: dt.timedelta) -> np.timedelta64:
    """Not by NumPy alone, which wraps around for what microseconds do not hold."""
    if isinstance(value, pd.Timedelta):
        return value.to_timedelta64()
    if value.microseconds == 0:
        return np.timedelta64(value.days * 86400 + value.seconds, "s")
    if abs(value.days) > MOST_DAYS:
        expected = "time differences that 64 bits hold in microseconds"
        raise ArgumentError(refusal("times", expected, str(value), "round it to seconds"))
    return np.timedelta64(value)


KINDS: tuple[tuple[Any, Any], ...] = (
    (str, from_text),
    (pd.Period, _from_periods),
    (dt.date, _from_dates),
    (np.datetime64, _from_numpy),
    (dt.timedelta | np.timedelta64, _from_numpy),
    (numbers.Real, lambda values: np.array(values, np.float64)),
)
"""What single values can be, and how many of them become an array."""
