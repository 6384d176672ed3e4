"""Dates of any resolution, exactly: whole seconds and a rest, so that no range of years is too long."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.message import refusal

FINE = {"ms": 10**3, "us": 10**6, "ns": 10**9, "ps": 10**12, "fs": 10**15, "as": 10**18}
"""NumPy's resolutions finer than a second: parts per second."""


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

    def texts(self) -> np.ndarray:
        """All as ISO dates, alike: days alone where all are midnight, else seconds with the digits they need."""
        if not (self.rest.any() or (self.seconds % 86400).any()):
            return np.datetime_as_string(self.seconds.astype("datetime64[s]").astype("datetime64[D]"))
        heads = np.datetime_as_string(self.seconds.astype("datetime64[s]"))
        digits = [f"{rest:0{len(str(self.per)) - 1}d}" for rest in self.rest.tolist()]
        length = max(len(text.rstrip("0")) for text in digits) if self.rest.any() else 0
        return np.array(
            [head + f".{rest[:length]}" * bool(length) for head, rest in zip(heads, digits, strict=True)]
        )

    @classmethod
    def from_iso(cls, text: str) -> Self:
        """The date that `iso` wrote; text without a fraction will do, other text is `ValueError`."""
        head, _, digits = text.partition(".")
        per = 10 ** len(digits)
        seconds = np.array([head], "datetime64[s]").view(np.int64)
        return cls(seconds, np.array([int(digits or 0)], np.int64), np.array([False]), per)

    def iso(self) -> str:
        """The first one as an ISO date with nine digits, or more where it has more."""
        per = max(self.per, 10**9)
        rest = int(self.at_least(per).rest[0])
        digits = f"{rest:0{len(str(per)) - 1}d}"
        return f"{self.seconds[:1].astype('datetime64[s]')[0]}.{digits[:9]}{digits[9:].rstrip('0')}"


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
