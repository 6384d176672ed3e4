"""Bounds and targets of a control loop, as the figures take them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dynlearn.errors import ArgumentError, check_known


def bounds_of(bounds: Any, names: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """`(low, high)` by control name, out of `(low, high)` with a number or one per control each."""
    if bounds is None:
        return {}
    try:
        low, high = (np.broadcast_to(np.asarray(side, float), (len(names),)) for side in bounds)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"bounds: expected (low, high), each a number or one per control {list(names)}, got {bounds!r}."
        ) from None
    return {name: (float(low[i]), float(high[i])) for i, name in enumerate(names)}


def targets_of(targets: Mapping[str, float] | None, names: tuple[str, ...]) -> dict[str, float]:
    """A set point by output name."""
    if targets is None:
        return {}
    if not isinstance(targets, Mapping):
        raise ArgumentError(f"targets: expected a mapping from output names to values, got {targets!r}.")
    check_known("output", targets, names)
    return {str(name): float(value) for name, value in targets.items()}
