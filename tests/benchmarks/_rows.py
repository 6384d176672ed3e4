"""Row: one measured number, beside a peer's and a target."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Target:
    """An interval for a row's `value`, or for its `ratio` to the peer; closed unless `strict`."""

    low: float = -math.inf
    high: float = math.inf
    of: str = "value"
    strict: bool = False

    def __post_init__(self):
        if self.of not in ("value", "ratio"):
            raise ValueError(f"of: expected 'value' or 'ratio', got {self.of!r}.")

    def __contains__(self, number: float) -> bool:
        if self.strict:
            return self.low < number < self.high
        return self.low <= number <= self.high

    def __str__(self) -> str:
        sign = "<" if self.strict else "<="
        if math.isinf(self.high):
            return f"{self.of} {sign.replace('<', '>')} {self.low:g}"
        low = "" if math.isinf(self.low) else f"{self.low:g} {sign} "
        return f"{low}{self.of} {sign} {self.high:g}"


def at_most(limit: float, of: str = "value") -> Target:
    return Target(high=limit, of=of)


def below(limit: float, of: str = "value") -> Target:
    return Target(high=limit, of=of, strict=True)


def at_least(limit: float, of: str = "value") -> Target:
    return Target(low=limit, of=of)


def between(low: float, high: float, of: str = "value") -> Target:
    return Target(low, high, of)


@dataclasses.dataclass(frozen=True)
class Row:
    """`value` None: it could not be measured, and `note` says why.

    `values` are the repeats that `value` is the median of, where there were any.
    """

    name: str
    value: float | None
    unit: str = ""
    peer: str | None = None
    peer_value: float | None = None
    target: Target | None = None
    note: str = ""
    values: tuple[float, ...] = ()

    @classmethod
    def repeated(
        cls,
        name: str,
        values: Sequence[float],
        unit: str = "",
        peer: str | None = None,
        peer_values: Sequence[float] = (),
        target: Target | None = None,
        note: str = "",
    ) -> "Row":
        """Medians of repeated measurements, and of the peer's."""
        value = float(np.median(values))
        peer_value = float(np.median(peer_values)) if len(peer_values) else None
        return cls(name, value, unit, peer, peer_value, target, note, tuple(map(float, values)))

    @property
    def ratio(self) -> float | None:
        """value / peer_value."""
        known = self.value is not None and self.peer_value is not None and self.peer_value != 0
        return self.value / self.peer_value if known else None  # type: ignore[operator]

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one, or where the peer that it needs is missing."""
        if self.target is None:
            return None
        measured = self.value if self.target.of == "value" else self.ratio
        if measured is None:
            return None if self.target.of == "ratio" and self.value is not None else False
        return measured in self.target

    @property
    def spread(self) -> dict[str, float]:
        """Median, extremes, interquartile range and number of the repeats; empty for a single measurement."""
        if len(self.values) < 2:
            return {}
        low, median, high = np.percentile(self.values, [25, 50, 75])
        return {
            "median": float(median),
            "minimum": min(self.values),
            "maximum": max(self.values),
            "spread": float(high - low),
            "repeats": len(self.values),
        }

    def as_json(self, benchmark: str) -> dict[str, Any]:
        """Plain values; what is not a finite number becomes null."""
        found = {
            "benchmark": benchmark,
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "peer": self.peer,
            "peer_value": self.peer_value,
            "ratio": self.ratio,
            "target": None if self.target is None else str(self.target),
            "met": self.met,
            **self.spread,
            "note": self.note,
        }
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in found.items()}
