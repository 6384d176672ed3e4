"""Scores of forecasts, each defined once.

All take the truth `y` with NaN where it was not measured, leading axis `window`, and skip those
entries; all are per lead time. Units: those of the output unless said otherwise.
"""

import numpy as np
from jaxtyping import Float

Truth = Float[np.ndarray, "window lead output"]
Draws = Float[np.ndarray, "sample window lead output"]
PerOutput = Float[np.ndarray, "lead output"]

DEFINITIONS = {
    "rmse": "root of the mean over windows of (y - mean forecast)^2",
    "nrmse": "rmse divided by the standard deviation of the measured outputs over all scored windows",
    "mase": "mean |y - mean forecast| divided by the mean |y_{k+1} - y_k| of the reference data",
    "crps": "continuous ranked probability score, E|Y - y| - E|Y - Y'| / 2 over the samples (Gneiting, Raftery 2007)",
    "energy": "energy score over the outputs that change and were measured, each divided by its standard deviation: "
    "E|Y - y| - E|Y - Y'| / 2",
    "coverage50": "share of measured outputs inside the central 50 % interval of the samples (ideal 0.5)",
    "coverage90": "share of measured outputs inside the central 90 % interval of the samples (ideal 0.9)",
}


def rmse(y: Truth, mean: Truth) -> PerOutput:
    return np.sqrt(measured_mean((y - mean) ** 2))


def mae(y: Truth, mean: Truth) -> PerOutput:
    return measured_mean(np.abs(y - mean))


def crps(y: Truth, draws: Draws) -> PerOutput:
    import scoringrules

    return measured_mean(scoringrules.crps_ensemble(y, np.moveaxis(draws, 0, -1), backend="numpy"))


def energy(y: Truth, draws: Draws, scale: Float[np.ndarray, " output"]) -> Float[np.ndarray, " lead"]:
    """Over the outputs that were measured in a window and change at all."""
    import scoringrules

    changing = np.isfinite(scale)
    y, draws = y[..., changing] / scale[changing], draws[..., changing] / scale[changing]

    def one(y: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """Of the windows of one lead: (window, output) and (sample, window, output)."""
        found = np.full(len(y), np.nan)
        for pattern in np.unique(~np.isnan(y), axis=0):
            if pattern.any():
                rows = (~np.isnan(y) == pattern).all(1)
                x = np.moveaxis(draws[:, rows][..., pattern], 0, -2)
                found[rows] = scoringrules.es_ensemble(y[rows][:, pattern], x, backend="numpy")
        return found

    # One lead at a time: all pairs of draws of all of them at once would not fit in memory.
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
