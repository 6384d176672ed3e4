"""The distance of autocorrelation functions: whether a free run forgets as fast as the data."""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from dynlearn.errors import ArgumentError, check_count
from dynlearn.evaluation.reconstruction.measures._series import (
    as_series,
    as_windows,
    check_alike,
    check_changing,
)
from dynlearn.references import cites

WORST = 2.0
"""Correlations lie between -1 and 1."""


@cites("galeano2000multivariate")
def autocorrelation_distance(generated: ArrayLike, reference: ArrayLike, lags: int | None = None) -> float:
    """Root mean square difference of the autocorrelations over lags 1 .. `lags`, averaged over the outputs.

        d = mean_j sqrt(1/L sum_{l=1}^L (r_l - r'_l)^2),

    r and r' of `autocorrelation`. Galeano and Peña weight the lags by a matrix; here all weigh the same.

    Args:
        generated: the free run, `(time, output)`, regularly sampled; one that is not finite gives 2, the worst.
        reference: the data, `(time, output)` of the same length without gaps, or several such windows,
            `(window, time, output)`, whose autocorrelations are averaged.
        lags: L, in samples; a tenth of the length unless given.

    Returns:
        A number from 0 to 2.

    Raises:
        ArgumentError: shapes that do not fit, lags beyond the length, a reference with gaps or with an output that
            never changes.

    Reference: Galeano, Peña, "Multivariate analysis in vector time series", Resenhas IME-USP 2000.

    >>> t = np.arange(4000)
    >>> one, other = np.sin(2 * np.pi * t / 40), np.sin(2 * np.pi * t / 20)
    >>> round(autocorrelation_distance(other, one, 40), 1)  # of two cosines over whole periods
    1.0
    """
    x, windows = as_series("generated", generated), as_windows("reference", reference)
    check_alike(x, windows, length=True)
    count = lags_of(x.shape[0], lags)
    return to_autocorrelation(x, mean_autocorrelation(windows, count))


def autocorrelation(series: ArrayLike, lags: int | None = None) -> Float[np.ndarray, "lag output"]:
    """r_l = sum_k (y_k - m)(y_{k+l} - m) / sum_k (y_k - m)^2, l = 0 .. `lags`, m the mean over the whole series.

    An output that never changes is taken as 1 at every lag, the limit of one that changes ever more slowly.

    Args:
        series: `(time, output)`, regularly sampled, without gaps.
        lags: the largest lag, in samples; a tenth of the length unless given.

    Returns:
        `(lags + 1, output)`, from -1 to 1.

    Raises:
        ArgumentError: a series with gaps, or lags beyond its length.

    >>> autocorrelation([1.0, -1.0, 1.0, -1.0], lags=2)[:, 0].tolist()
    [1.0, -0.75, 0.5]
    """
    y = as_windows("series", series)
    return _correlated(y, lags_of(y.shape[1], lags))[0]


def lags_of(length: int, lags: int | None) -> int:
    """How many, a tenth of the length unless given."""
    if lags is None:
        return max(1, length // 10)
    if check_count("lags", lags, 1) >= length:
        raise ArgumentError(f"lags: expected fewer than the {length} samples of the series, got {lags}.")
    return int(lags)


def mean_autocorrelation(
    windows: Float[np.ndarray, "window time output"], lags: int
) -> Float[np.ndarray, "lag output"]:
    """Averaged over several windows."""
    check_changing("reference", windows)
    return _correlated(windows, lags).mean(axis=0)


def to_autocorrelation(x: Float[np.ndarray, "time output"], other: Float[np.ndarray, "lag output"]) -> float:
    """The distance of a run from autocorrelations that were computed before."""
    if not np.isfinite(x).all():
        return WORST
    apart = _correlated(x[None], len(other) - 1)[0] - other
    return float(np.sqrt((apart[1:] ** 2).mean(axis=0)).mean())


def _correlated(
    y: Float[np.ndarray, "window time output"], lags: int
) -> Float[np.ndarray, "window lag output"]:
    """By the FFT, padded so that the end does not meet the start."""
    length = y.shape[1]
    scaled = y / np.abs(y).max(axis=1, keepdims=True).clip(np.finfo(float).tiny)
    power = np.abs(np.fft.rfft(scaled - scaled.mean(axis=1, keepdims=True), 2 * length, axis=1)) ** 2
    found = np.fft.irfft(power, 2 * length, axis=1)[:, : lags + 1]
    still = (y == y[:, :1]).all(axis=1, keepdims=True)
    return np.where(still, 1.0, found / np.where(still, 1.0, found[:, :1]))
