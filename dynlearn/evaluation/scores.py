"""Scores of forecasts, each defined once.

All take the truth `y` with NaN where it was not measured, leading axis `window`, and skip those
entries; all are per lead time. Units: those of the output unless said otherwise.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Forecasts(NamedTuple):
    """What scores read: forecasts of one model, and what came true."""

    y: Float[np.ndarray, "window lead output"]
    """Measured, NaN where it was not."""
    mean: Float[np.ndarray, "window lead output"]
    draws: Float[np.ndarray, "sample window lead output"]
    scale: Float[np.ndarray, " output"]
    """Standard deviation of the measured outputs over all scored windows; NaN where they never change."""
    naive: Float[np.ndarray, " output"]
    """Mean |y_{k+1} - y_k| of the reference data."""


Truth = Float[np.ndarray, "window lead output"]
Draws = Float[np.ndarray, "sample window lead output"]
PerOutput = Float[np.ndarray, "lead output"]


def rmse(y: Truth, mean: Truth) -> PerOutput:
    return np.sqrt(measured_mean((y - mean) ** 2))


def mae(y: Truth, mean: Truth) -> PerOutput:
    return measured_mean(np.abs(y - mean))


def crps(y: Truth, draws: Draws) -> PerOutput:
    """E|Y - y| - E|Y - Y'| / 2, the latter from sorted draws: sum_i (2 i - 1 - S) Y_(i) / S^2, i = 1..S."""
    count = len(draws)
    rank = (2.0 * np.arange(count) + 1 - count).reshape(-1, 1, 1, 1)
    apart = (rank * np.sort(draws, axis=0)).sum(0) / count**2
    return measured_mean(np.abs(draws - y).mean(0) - apart)


def energy(y: Truth, draws: Draws, scale: Float[np.ndarray, " output"]) -> Float[np.ndarray, " lead"]:
    """Over the outputs that were measured in a window and change at all."""
    from scipy.spatial.distance import pdist

    changing = np.isfinite(scale)
    y, draws = y[..., changing] / scale[changing], draws[..., changing] / scale[changing]

    def one(y: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """E|Y - y| - E|Y - Y'| / 2 of the windows of one lead: (window, output) and (sample, window, output)."""
        found = np.full(len(y), np.nan)
        for pattern in np.unique(~np.isnan(y), axis=0):
            if pattern.any():
                rows = (~np.isnan(y) == pattern).all(1)
                x = draws[:, rows][..., pattern]
                near = np.linalg.norm(x - y[rows][:, pattern], axis=-1).mean(0)
                # Every pair once, a window at a time: nothing of the size of all pairs is ever held.
                apart = np.array([pdist(x[:, i]).sum() for i in range(x.shape[1])]) / len(x) ** 2
                found[rows] = near - apart
        return found

    return np.array([measured_mean(one(y[:, k], draws[:, :, k])) for k in range(y.shape[1])])


def coverage(y: Truth, draws: Draws, level: float) -> PerOutput:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return measured_mean(np.where(np.isnan(y), np.nan, (y >= low) & (y <= high)))


def measured_mean(values: Float[np.ndarray, "window ..."]) -> Float[np.ndarray, "..."]:
    """Mean over the first axis of what is there; NaN where nothing was measured."""
    there = ~np.isnan(values)
    count = there.sum(0)
    total = np.where(there, values, 0.0).sum(0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


class Score(NamedTuple):
    definition: str
    of: Callable[[Forecasts], np.ndarray]
    """(lead, output), or (lead,) of a score of all outputs together."""
    diverged: float = np.inf
    """Of a model whose forecasts leave the finite numbers; NaN where there is nothing to say."""
    together: bool = False
    """Whether it is one number for all outputs."""


SCORES: dict[str, Score] = {
    "rmse": Score("root of the mean over windows of (y - mean forecast)^2", lambda f: rmse(f.y, f.mean)),
    "nrmse": Score(
        "rmse divided by the standard deviation of the measured outputs over all scored windows",
        lambda f: rmse(f.y, f.mean) / f.scale,
    ),
    "mase": Score(
        "mean |y - mean forecast| divided by the mean |y_{k+1} - y_k| of the reference data",
        lambda f: mae(f.y, f.mean) / np.where(f.naive > 0, f.naive, np.nan),
    ),
    "crps": Score(
        "continuous ranked probability score, E|Y - y| - E|Y - Y'| / 2 over the samples (Gneiting, Raftery 2007)",
        lambda f: crps(f.y, f.draws),
    ),
    "energy": Score(
        "energy score over the outputs that change and were measured, each divided by its standard deviation: "
        "E|Y - y| - E|Y - Y'| / 2",
        lambda f: energy(f.y, f.draws, f.scale),
        together=True,
    ),
    "coverage50": Score(
        "share of measured outputs inside the central 50 % interval of the samples (ideal 0.5)",
        lambda f: coverage(f.y, f.draws, 0.5),
        diverged=np.nan,
    ),
    "coverage90": Score(
        "share of measured outputs inside the central 90 % interval of the samples (ideal 0.9)",
        lambda f: coverage(f.y, f.draws, 0.9),
        diverged=np.nan,
    ),
}
"""In the order in which they are shown."""

DEFINITIONS = {name: score.definition for name, score in SCORES.items()}
