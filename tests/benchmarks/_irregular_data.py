"""Bouncing balls and damped pendulums, measured with gaps: the settings of the NCDSSM paper."""

import dataclasses
from typing import Any

import numpy as np

DT, NOISE = 0.1, 0.05


@dataclasses.dataclass(frozen=True)
class Problem:
    """Runs of one system: `context` samples with gaps, then `ahead` samples to be forecast."""

    name: str
    context: int
    ahead: int
    states: int
    """Of the models' latent state."""

    def runs(self, count: int, missing: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Measurements (run, context + ahead, output), and which of the context are missing (run, context)."""
        rng = np.random.default_rng(seed)
        make = {"ball": _balls, "pendulum": _pendulums}[self.name]
        y = make(rng, count, self.context + self.ahead)
        y = y + NOISE * rng.normal(size=y.shape)
        return y, rng.random((count, self.context)) < missing

    def dataset(self, count: int, missing: float, seed: int) -> tuple[Any, np.ndarray, np.ndarray]:
        """The contexts under the schema, and the two arrays of `runs`."""
        import dynlearn as dl

        y, gone = self.runs(count, missing, seed)
        seen = np.where(gone[..., None], np.nan, y[:, : self.context])
        return dl.from_arrays(list(seen), dt=DT), y, gone


BALL = Problem("ball", 100, 200, 6)
PENDULUM = Problem("pendulum", 50, 100, 6)


def _balls(rng: np.random.Generator, count: int, length: int) -> np.ndarray:
    """A position between walls at -1 and 1, its speed constant."""
    y = rng.uniform(-1, 1, count)
    v = rng.uniform(0.05, 0.5, count) * rng.choice([-1, 1], count)
    path = [y]
    for _ in range(length - 1):
        y = y + DT * v
        v = np.where(np.abs(y) >= 1, -np.sign(y) * np.abs(v), v)
        path.append(y)
    return np.stack(path, 1)[..., None]


def _pendulums(rng: np.random.Generator, count: int, length: int) -> np.ndarray:
    """The bob of theta'' = -(g / 2) sin(theta) - 0.25 theta', seen half its size; started anywhere near the top."""
    theta = np.pi + np.clip(rng.normal(size=count), -2, 2)
    x = np.stack([theta, 4 * np.clip(rng.normal(size=count), -2, 2)])

    def field(x: np.ndarray) -> np.ndarray:
        return np.stack([x[1], -9.81 / 2 * np.sin(x[0]) - 0.25 * x[1]])

    h, path = DT / 10, []
    for k in range(10 * length):
        if k % 10 == 0:
            path.append(np.stack([np.sin(x[0]), -np.cos(x[0])], -1) / 2)
        a = field(x)
        b = field(x + h / 2 * a)
        c = field(x + h / 2 * b)
        d = field(x + h * c)
        x = x + h / 6 * (a + 2 * b + 2 * c + d)
    return np.stack(path, 1)
