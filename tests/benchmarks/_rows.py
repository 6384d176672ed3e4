"""Row: one measured number, beside a peer's and a target."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Target:
    """A closed interval for a row's `value`, or for its `ratio` to the peer."""

    low: float = -math.inf
    high: float = math.inf
    of: str = "value"

    def __post_init__(self):
        if self.of not in ("value", "ratio"):
            raise ValueError(f"of: expected 'value' or 'ratio', got {self.of!r}.")

    def __str__(self) -> str:
        if math.isinf(self.low):
            return f"{self.of} <= {self.high:g}"
        if math.isinf(self.high):
            return f"{self.of} >= {self.low:g}"
        return f"{self.low:g} <= {self.of} <= {self.high:g}"


def at_most(limit: float, of: str = "value") -> Target:
    return Target(high=limit, of=of)


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
    peer_values: tuple[float, ...] = ()

    @classmethod
    def repeated(
        cls,
        name: str,
        values: Sequence[float],
        unit: str = "",
        peer_values: Sequence[float] = (),
        **others: Any,
    ) -> "Row":
        """Medians of repeated measurements, and of the peer's."""
        peer_value = float(np.median(peer_values)) if len(peer_values) else None
        value = float(np.median(values))
        return cls(
            name,
            value,
            unit,
            peer_value=peer_value,
            values=tuple(map(float, values)),
            peer_values=tuple(map(float, peer_values)),
            **others,
        )

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
        return bool(self.target.low <= measured <= self.target.high)

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
