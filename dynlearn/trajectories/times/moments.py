"""Dates of any resolution, exactly: whole seconds and a rest, so that no range of years is too long."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.message import refusal

FINE = {"ms": 10**3, "us": 10**6, "ns": 10**9, "ps": 10**12, "fs": 10**15, "as": 10**18}
"""NumPy's resolutions finer than a second: parts per second."""
YEAR_0, YEAR_10000 = -62_167_219_200, 253_402_300_800
"""In seconds since 1970."""


@dataclass(frozen=True)
class Moments:
    """Dates (since 1970) or time differences: `seconds + rest / per`, with 0 <= rest < per, as int64.

    int64 nanoseconds end in 1677 and 2262, and NumPy wraps around there without a word.
    """

    seconds: np.ndarray
    rest: np.ndarray
    missing: np.ndarray
    """Where there was NaT."""
    per: int = 1

    @classmethod
    def of(cls, runs: Sequence[np.ndarray]) -> Self:
        """All values of several arrays of datetime64 or of timedelta64, one after the other."""
        parts = [_exact(run.ravel()) for run in runs]
        per = max(part[3] for part in parts)
        rest = [part[1] * (per // part[3]) for part in parts]
        seconds, missing = ([part[i] for part in parts] for i in (0, 2))
        return cls(np.concatenate(seconds), np.concatenate(rest), np.concatenate(missing), per)

    def at_least(self, per: int) -> Self:
        """The same, in parts of a second that are at least so fine."""
        if self.per >= per:
            return self
        return type(self)(self.seconds, self.rest * (per // self.per), self.missing, per)

    def earliest(self) -> Self:
        """The first of them all, as one."""
        known = np.flatnonzero(~self.missing)
        if known.size == 0:
            remedy = "remove the runs without instants"
            raise ArgumentError(refusal("times", "at least one date", "none (NaT throughout)", remedy))
        i = known[np.lexsort((self.rest[known], self.seconds[known]))[:1]]
        return type(self)(self.seconds[i], self.rest[i], self.missing[i], self.per)

    def __sub__(self, other: Self) -> Self:
        per = max(self.per, other.per)
        mine, theirs = self.at_least(per), other.at_least(per)
        rest = mine.rest - theirs.rest
        borrow = (rest < 0).astype(np.int64)
        seconds = mine.seconds - theirs.seconds - borrow
        return type(self)(seconds, rest + borrow * per, self.missing, per)

    def __add__(self, other: Self) -> Self:
        per = max(self.per, other.per)
        mine, theirs = self.at_least(per), other.at_least(per)
        carry, rest = np.divmod(mine.rest + theirs.rest, per)
        return type(self)(mine.seconds + theirs.seconds + carry, rest, self.missing | other.missing, per)

    def array(self, letter: str) -> np.ndarray:
        """As datetime64 ("M") or timedelta64 ("m"), in the coarsest resolution that holds all of them exactly."""
        units = {"s": 1, **FINE}
        unit = next(u for u, per in units.items() if not (self.rest % max(self.per // per, 1)).any())
        per = units[unit]
        if np.abs(self.seconds).max(initial=0) > (2**63 - 1) // per - 1:
            expected = f"times that 64 bits hold in the resolution {unit!r}"
            came = f"some that are {int(np.abs(self.seconds).max())} s from 1970 or 0"
            raise ArgumentError(refusal("times", expected, came, "round them, or leave the far ones out"))
        rest = self.rest * (per // self.per) if per > self.per else self.rest // (self.per // per)
        values = (self.seconds * per + rest).view(f"{letter}8[{unit}]")
        return np.where(self.missing, np.array("NaT", values.dtype), values)

    def texts(self, zone: str = "") -> np.ndarray:
        """All as ISO dates, alike: days alone where all are midnight, else seconds with the digits they need.

        `zone` ends them all; a day alone has none, as there is no clock that it could belong to.
        """
        if not zone and not (self.rest.any() or (self.seconds % 86400).any()):
            return _iso(self.seconds, "D")
        heads = _iso(self.seconds, "s")
        digits = [f"{rest:0{len(str(self.per)) - 1}d}" for rest in self.rest.tolist()]
        length = max(len(text.rstrip("0")) for text in digits) if self.rest.any() else 0
        return np.array(
            [
                head + f".{rest[:length]}" * bool(length) + zone
                for head, rest in zip(heads, digits, strict=True)
            ]
        )

    @classmethod
    def from_iso(cls, text: str) -> Self:
        """The date that `iso` wrote, with Z or without; no fraction will do, other text is `ValueError`."""
        head, _, digits = text.removesuffix("Z").partition(".")
        per = 10 ** len(digits)
        seconds = np.array([head], "datetime64[s]").view(np.int64)
        return cls(seconds, np.array([int(digits or 0)], np.int64), np.array([False]), per)

    def iso(self) -> str:
        """The first one as an ISO date with nine digits, or more where it has more."""
        per = max(self.per, 10**9)
        rest = int(self.at_least(per).rest[0])
        digits = f"{rest:0{len(str(per)) - 1}d}"
        return f"{_iso(self.seconds[:1], 's')[0]}.{digits[:9]}{digits[9:].rstrip('0')}"


def _iso(seconds: np.ndarray, unit: str) -> np.ndarray:
    """Seconds since 1970 as text up to a day or a second; a year before 0 or after 9999 has a sign, as ISO 8601 asks.

    >>> _iso(np.array([-63549360000, 316519056000]), "D").tolist()
    ['-0044-03-15', '+12000-02-03']
    """
    texts = np.datetime_as_string(seconds.astype("datetime64[s]").astype(f"datetime64[{unit}]"))
    if seconds.size == 0 or YEAR_0 <= seconds.min() <= seconds.max() < YEAR_10000:
        return texts
    return np.array([_signed(text) for text in texts.tolist()])


def _signed(text: str) -> str:
    """NumPy writes the year -44 as -044, and 12000 without a sign."""
    year, _, rest = text.lstrip("-").partition("-")
    sign = "-" if text.startswith("-") else "+" if len(year) > 4 else ""
    return f"{sign}{year:0>4}-{rest}"


def _exact(run: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    missing = np.isnat(run)
    letter, (unit, _) = run.dtype.kind, np.datetime_data(run.dtype)
    if missing.all():
        return np.zeros(run.size, np.int64), np.zeros(run.size, np.int64), missing, 1
    if unit == "generic" or (letter == "m" and unit in "YM"):
        remedy = "convert them to a fixed unit, or pass dates"
        raise ArgumentError(refusal("times", "time differences in a unit of fixed length", run.dtype, remedy))
    known = np.where(missing, np.zeros((), run.dtype), run)
    if unit in FINE:
        seconds, rest = np.divmod(known.astype(f"{letter}8[{unit}]").view(np.int64), FINE[unit])
        return seconds, rest, missing, FINE[unit]
    whole = known.astype(f"{letter}8[s]")
    if (whole.astype(run.dtype) != known).any():
        remedy = "choose another origin"
        raise ArgumentError(refusal("times", "dates within 292e9 years of 1970", "one beyond", remedy))
    return whole.view(np.int64), np.zeros(run.size, np.int64), missing, 1
