"""Months and years: not equally long, so they are counted where the user asks for them, never measured."""

import numpy as np

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.times.moments import Moments

MONTHS = {"month": 1, "year": 12}
"""Calendar units, in months."""


def counts(moments: Moments, first: Moments, unit: str) -> np.ndarray:
    """How many calendar months (years) lie between `first` and each date, float64.

    All must fall on the same day of the month at the same time of day, or all on the last day: a count
    of anything else would move instants.

    >>> ends = Moments.of([np.array(["2024-01-31", "2024-02-29", "2024-04-30"], "datetime64[D]")])
    >>> counts(ends, ends.earliest(), "month")
    array([0., 1., 3.])
    """
    month, day, from_end, clock = _parts(moments)
    month0, day0, from_end0, clock0 = _parts(first)
    known = ~moments.missing
    rest = moments.at_least(first.per).rest != first.at_least(moments.per).rest
    other_day = (day != day0) & ~((from_end == 0) & (from_end0 == 0))
    off = month - month0
    bad = known & (rest | (clock != clock0) | other_day | (off % MONTHS[unit] != 0))
    if bad.any():
        came = moments.seconds[bad][:1].astype("datetime64[s]")[0]
        expected = f"dates whole {unit}s after {first.seconds[:1].astype('datetime64[s]')[0]}"
        remedy = f'pass units={{"t": "d"}}: a {unit} has no fixed length in which to measure'
        raise ArgumentError(refusal("times", f"{expected} for the unit {unit!r}", came, remedy))
    return np.where(known, off / MONTHS[unit], np.nan)


def later(first: Moments, months: np.ndarray) -> Moments:
    """The date `first` so many calendar months later; from the last day of a month on to the last days.

    >>> leap = Moments.of([np.array(["2024-01-31"], "datetime64[D]")])
    >>> later(leap, np.array([0, 1])).seconds.astype("datetime64[s]").astype("datetime64[D]").tolist()
    [datetime.date(2024, 1, 31), datetime.date(2024, 2, 29)]
    """
    month, day, from_end, clock = _parts(first)
    new = (month + months).astype("datetime64[M]")
    start, end = new.astype("datetime64[D]"), (new + 1).astype("datetime64[D]") - 1
    date = np.where(from_end == 0, end, np.minimum(start + day, end))
    seconds = date.astype("datetime64[s]").view(np.int64) + clock
    return Moments(
        seconds, np.broadcast_to(first.rest, seconds.shape), np.zeros(seconds.shape, bool), first.per
    )


def _parts(moments: Moments) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Months since 1970, the day within the month from its start and from its end, seconds of the day."""
    days, clock = np.divmod(moments.seconds, 86400)
    date = days.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    start, end = month.astype("datetime64[D]"), (month + 1).astype("datetime64[D]")
    return (
        month.view(np.int64),
        (date - start).view(np.int64),
        (end - date).view(np.int64) - 1,
        clock,
    )
