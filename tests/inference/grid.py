"""The exact filter and smoother of one state on a grid: every law as its density, every integral as a sum."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Beliefs(NamedTuple):
    predicted: np.ndarray
    filtered: np.ndarray
    smoothed: np.ndarray
    """Densities, each (time, point)."""
    log_density: np.ndarray
    x: np.ndarray

    def moments(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation at each sample."""
        p = getattr(self, name) * (self.x[1] - self.x[0])
        mean = p @ self.x
        return mean, np.sqrt(p @ self.x**2 - mean**2)

    def expected(self, name: str, value: np.ndarray) -> np.ndarray:
        """Of a function of the state, given on the grid."""
        return getattr(self, name) @ value * (self.x[1] - self.x[0])


def solve(
    x: np.ndarray,
    start: np.ndarray,
    transition: np.ndarray,
    log_emission: Callable[[int], np.ndarray],
    length: int,
) -> Beliefs:
    """x: evenly spaced points; start(x); transition[i, j] = p(x_j | x_i); log_emission(k)[j] = log p(y_k | x_j)."""
    dx = x[1] - x[0]
    predicted, filtered, density = [], [], []
    now = start
    for k in range(length):
        ahead = now if k == 0 else now @ transition * dx
        log_y = log_emission(k)
        top = log_y.max()
        weighted = ahead * np.exp(log_y - top)
        total = weighted.sum() * dx
        now = weighted / total
        predicted.append(ahead)
        filtered.append(now)
        density.append(np.log(total) + top)
    smoothed = [now]
    for k in range(length - 2, -1, -1):
        ratio = np.where(predicted[k + 1] > 0, smoothed[0] / np.maximum(predicted[k + 1], 1e-300), 0)
        smoothed.insert(0, filtered[k] * (transition @ ratio) * dx)
    return Beliefs(*map(np.stack, (predicted, filtered, smoothed, density)), x)
