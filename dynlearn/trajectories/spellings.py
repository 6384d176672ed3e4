"""Times as people have them: numbers, dates, text, periods, time differences, with zones or without."""

import datetime as dt
import numbers
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.moments import Moments

ISO = re.compile(
    r"\s*(\d{4}-\d\d(?:-\d\d)?)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?\s*(Z|z|[+-]\d\d(?::?\d\d)?)?)?\s*"
)
"""ISO 8601 in its extended form: date, time, fraction of a second, offset from UTC."""


def as_instants(values: Any) -> np.ndarray:
    """An array of numbers, of datetime64 or of timedelta64 from anything array-like that tells times.

    Dates with a zone or an offset, also one that changes between summer and winter, are expressed in
    UTC. A period (pandas) stands for its first instant. Missing dates are NaT.

    >>> as_instants(["2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00"])
    array(['2024-10-27T00:30:00.000000', '2024-10-27T01:30:00.000000'],
          dtype='datetime64[us]')
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
    kinds = sorted({type(value).__name__ for value in known})
    came = f"{' and '.join(kinds)}, e.g. {known[0]!r}"
    remedy = "pass numbers, dates or ISO 8601 text of one kind; see also pandas.to_datetime"
    raise ArgumentError(refusal("times", "numbers or dates", came, remedy))


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value)


def _from_dates(values: Sequence[dt.date]) -> np.ndarray:
    """`datetime`, `date` and `pandas.Timestamp`, with zones or without."""
    full = [v if isinstance(v, dt.datetime) else dt.datetime.combine(v, dt.time()) for v in values]
    aware = [value.utcoffset() is not None for value in full]
    _check_zones(aware)
    epoch, microsecond = dt.datetime(1970, 1, 1), dt.timedelta(microseconds=1)
    nanoseconds = [getattr(value, "nanosecond", 0) for value in full]
    naive = [_naive(value) for value in full]
    return _combined([(value - epoch) // microsecond for value in naive], nanoseconds)


def _naive(value: dt.datetime) -> dt.datetime:
    """In UTC and without a zone; a pandas one as a standard one (its nanoseconds are counted apart)."""
    offset = value.utcoffset()
    parts = (value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
    plain = dt.datetime(*parts)
    return plain if offset is None else plain - offset


def _from_text(values: Sequence[str]) -> np.ndarray:
    matches = [ISO.fullmatch(value) for value in values]
    if None in matches:
        bad = values[matches.index(None)]
        remedy = "convert it, e.g. with pandas.to_datetime(values, format=...) or pandas.to_numeric"
        raise ArgumentError(
            refusal("times", "ISO 8601 dates such as 2024-03-01T10:00:00+01:00", repr(bad), remedy)
        )
    groups = [match.groups() for match in matches if match is not None]
    _check_zones([zone is not None for *_, zone in groups])
    try:
        local = np.array([f"{day}T{clock}" if clock else day for day, clock, *_ in groups], "datetime64[s]")
    except ValueError as error:
        raise ArgumentError(
            refusal("times", "dates of the calendar", str(error), "correct this one")
        ) from error
    seconds = local.view(np.int64) - np.array([_offset(zone) for *_, zone in groups], np.int64)
    nanoseconds = [int(f"{fraction:0<9}") if fraction else 0 for _, _, fraction, _ in groups]
    micro = [1_000_000 * s + n // 1000 for s, n in zip(seconds.tolist(), nanoseconds, strict=True)]
    return _combined(micro, [n % 1000 for n in nanoseconds])


def _offset(zone: str | None) -> int:
    """Seconds ahead of UTC."""
    if zone is None or zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "")
    return (-1 if zone[0] == "-" else 1) * (3600 * int(digits[:2]) + 60 * int(digits[2:] or 0))


def _check_zones(aware: Sequence[bool]) -> None:
    if any(aware) and not all(aware):
        remedy = "say the zone of the others, e.g. with pandas.Series.dt.tz_localize"
        expected = "an offset from UTC with every date or with none"
        raise ArgumentError(refusal("times", expected, "both", remedy))


def _combined(microseconds: Sequence[int], nanoseconds: Sequence[int]) -> np.ndarray:
    """In microseconds, which hold every year, where no date is finer; else in nanoseconds."""
    if not any(nanoseconds):
        return np.array(microseconds, np.int64).view("datetime64[us]")
    exact = [1000 * m + n for m, n in zip(microseconds, nanoseconds, strict=True)]
    if max(exact) >= 2**63 or min(exact) <= -(2**63):
        came = "nanoseconds in years before 1678 or after 2261"
        raise ArgumentError(refusal("times", "microseconds in such years", came, "round the dates"))
    return np.array(exact, np.int64).view("datetime64[ns]")


def _from_datetime64(values: Sequence[np.datetime64]) -> np.ndarray:
    """In their own resolution, or where they have several in one that holds them all."""
    resolutions = {np.datetime_data(value.dtype) for value in values}
    if len(resolutions) == 1:
        return np.array(values)
    moments = Moments.of([np.atleast_1d(value) for value in values]).at_least(10**9)
    nanoseconds = moments.rest // (moments.per // 10**9)
    micro = [
        1_000_000 * s + n // 1000 for s, n in zip(moments.seconds.tolist(), nanoseconds.tolist(), strict=True)
    ]
    return _combined(micro, (nanoseconds % 1000).tolist())


def _from_periods(values: Sequence[pd.Period]) -> np.ndarray:
    lengths = sorted({value.freqstr for value in values})
    if len(lengths) > 1:
        raise ArgumentError(refusal("times", "periods of one length", lengths, "convert them with asfreq"))
    return _period_starts(pd.PeriodIndex(values))


def _from_differences(values: Sequence[Any]) -> np.ndarray:
    return np.concatenate([np.atleast_1d(np.asarray(_as_timedelta64(value))) for value in values])


def _as_timedelta64(value: Any) -> np.timedelta64:
    if isinstance(value, pd.Timedelta):
        return value.to_timedelta64()
    return np.timedelta64(value) if isinstance(value, dt.timedelta) else value


KINDS: tuple[tuple[Any, Any], ...] = (
    (str, _from_text),
    (pd.Period, _from_periods),
    (dt.date, _from_dates),
    (np.datetime64, _from_datetime64),
    (dt.timedelta | np.timedelta64, _from_differences),
    (numbers.Real, lambda values: np.array(values, np.float64)),
)
"""What single values can be, and how many of them become an array."""
