"""One cycle, and whether it is another one than those that were found before."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float

SAME = 1e-5
"""Relative to the points: cycles this close are one."""


class Cycle(NamedTuple):
    points: Float[np.ndarray, "phase z"]
    eigenvalues: Complex[np.ndarray, " z"]
    """Of the map around the whole cycle, largest modulus first."""


def of_product(through: Float[np.ndarray, "z z"]) -> Complex[np.ndarray, " z"]:
    """The eigenvalues of a map around a cycle, largest modulus first."""
    values = np.linalg.eigvals(through).astype(complex)
    return values[np.argsort(-np.abs(values), kind="stable")]


def is_new(cycle: Cycle, others: list[Cycle]) -> bool:
    """Of its full period, and not one of `others` begun at another phase."""
    points, size = cycle.points, 1 + np.abs(cycle.points).max()
    period = len(points)
    for divisor in (m for m in range(1, period) if period % m == 0):
        if np.abs(points[divisor:] - points[:-divisor]).max() < SAME * size:
            return False
    return not any(_same(points, other.points, SAME * size) for other in others)


def _same(a: Float[np.ndarray, "phase z"], b: Float[np.ndarray, "phase z"], tolerance: float) -> bool:
    """Whether b, begun at some phase, is a."""
    if len(a) != len(b):
        return False
    begins = np.flatnonzero(np.abs(b - a[0]).max(1) < tolerance)
    return any(np.abs(a - np.roll(b, -k, axis=0)).max() < tolerance for k in begins)
