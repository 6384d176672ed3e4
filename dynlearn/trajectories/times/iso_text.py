"""Dates as ISO 8601 text, and what is said of text that is none."""

import re
from collections.abc import Sequence

import numpy as np

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.times.moments import Moments

ISO = re.compile(
    r"\s*((?:\d{4}|[+-]\d{4,6})-\d\d(?:-\d\d)?)"
    r"(?:[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?\s*(Z|z|[+-]\d\d(?::?\d\d)?)?)?\s*"
)
"""ISO 8601 in its extended form: date (years before 0 and after 9999 with a sign), time, fraction of a second,
offset from UTC."""


def from_text(values: Sequence[str]) -> np.ndarray:
    """Dates as datetime64, with an offset expressed in UTC.

    Raises:
        ArgumentError: text that is no date; dates of which only some say their offset.
    """
    matches = [ISO.fullmatch(value) for value in values]
    if None in matches:
        raise ArgumentError(refusal("times", *odd(values, [f"sample {i}" for i in range(len(values))])))
    groups = [match.groups() for match in matches if match is not None]
    check_zones([zone is not None for *_, zone in groups])
    try:
        local = np.array([f"{day}T{clock}" if clock else day for day, clock, *_ in groups], "datetime64[s]")
    except ValueError as error:
        raise ArgumentError(
            refusal("times", "dates of the calendar", str(error), "correct this one")
        ) from error
    seconds = local.view(np.int64) - np.array([_offset(zone) for *_, zone in groups], np.int64)
    rest = np.array([int(f"{fraction or 0:0<9}") for _, _, fraction, _ in groups], np.int64)
    return Moments(seconds, rest, np.zeros(len(groups), bool), 10**9).array("M")


def says_offset(text: str) -> bool:
    """Whether a date says where its clock stands: Z, or an offset from UTC."""
    match = ISO.fullmatch(text)
    return match is not None and match[4] is not None


def check_zones(aware: Sequence[bool]) -> None:
    """Raise where some dates say their offset from UTC and others do not."""
    if any(aware) and not all(aware):
        remedy = "say the zone of the others, e.g. with pandas.Series.dt.tz_localize"
        expected = "an offset from UTC with every date or with none"
        raise ArgumentError(refusal("times", expected, "both", remedy))


def odd(values: Sequence[object], places: Sequence[str]) -> tuple[str, str, str]:
    """What was expected, what came and where, and what to do, of instants that are not all dates.

    >>> odd(["2024-01-01", "5"], ["line 2", "line 3"])[1]
    "'2024-01-01' in line 2 and '5' in line 3"
    """
    first: dict[str, str] = {}
    for value, place in zip(values, places, strict=True):
        first.setdefault(_kind(value), f"{value!r:.80} in {place}")
    if "text" not in first:
        remedy = "correct those of one kind, or leave their rows out"
        return "numbers or dates throughout", " and ".join(first[k] for k in ("date", "number")), remedy
    if "number" in first and "date" not in first:
        return "numbers throughout", first["text"], "correct it, or leave its row out"
    remedy = "convert it, e.g. with pandas.to_datetime(values, format=...) or pandas.to_numeric"
    return "ISO 8601 dates such as 2024-03-01T10:00:00+01:00", first["text"], remedy


def _kind(value: object) -> str:
    if ISO.fullmatch(str(value)):
        return "date"
    try:
        float(str(value))
    except ValueError:
        return "text"
    return "number"


def _offset(zone: str | None) -> int:
    """Seconds ahead of UTC."""
    if zone is None or zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 23 or minutes > 59:
        expected = "offsets from UTC of less than a day, +hh:mm"
        raise ArgumentError(refusal("times", expected, zone, "correct this one"))
    return (-1 if zone[0] == "-" else 1) * (3600 * hours + 60 * minutes)
