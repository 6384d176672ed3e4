"""Delay vectors, and the two time scales of a series that estimates from them need."""

import math

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from dynlearn.errors import ArgumentError, check_count
from dynlearn.evaluation.reconstruction.measures._series import as_series, as_windows
from dynlearn.evaluation.reconstruction.measures.autocorrelation import autocorrelation
from dynlearn.evaluation.reconstruction.measures.spectrum import power_spectrum
from dynlearn.references import cites


@cites("takens1981detecting")
def embedded(series: ArrayLike, copies: int, delay: int = 1) -> Float[np.ndarray, "time coordinate"]:
    """The series beside itself `delay`, 2 `delay`, .. samples later.

        z_k = (y_k, y_{k + delay}, .., y_{k + (copies - 1) delay})

    Args:
        series: `(time, output)`, regularly sampled.
        copies: how often every output stands in a vector, an integer >= 1.
        delay: samples from one to the next, an integer >= 1.

    Returns:
        `(time - (copies - 1) delay, copies times outputs)`.

    Raises:
        ArgumentError: a series too short for that.

    Reference: Takens, "Detecting strange attractors in turbulence", 1981.

    >>> embedded([1.0, 2.0, 3.0, 4.0], copies=2, delay=2).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    y = as_series("series", series)
    left = len(y) - (check_count("copies", copies, 1) - 1) * check_count("delay", delay, 1)
    if left < 1:
        raise ArgumentError(
            f"series: {copies} copies {delay} samples apart need {len(y) - left + 1} samples, got {len(y)}."
        )
    return np.concatenate([y[i * delay : i * delay + left] for i in range(copies)], axis=1)


def decorrelation(series: ArrayLike) -> int:
    """The first lag, in samples, at which the autocorrelation (averaged over the outputs) is below 1 - 1/e.

    Rosenstein et al. take it as the delay of an embedding. Half the length where it never gets there.

    Args:
        series: `(time, output)`, regularly sampled, without gaps.

    Returns:
        A number of samples, 1 at least.

    >>> decorrelation(np.sin(2 * np.pi * np.arange(1000) / 100))  # acos(1 - 1/e) / (2 pi) of a period is 0.141
    15
    """
    y = as_windows("series", series)[0]
    half = max(1, len(y) // 2)
    below = (
        autocorrelation(y, min(half, len(y) - 1)).mean(axis=1) < 1 - 1 / math.e
        if len(y) > 1
        else np.zeros(1, bool)
    )
    return int(np.argmax(below)) if below.any() else half


def mean_period(series: ArrayLike) -> int:
    """One over the mean frequency of the outputs' average power spectrum, in samples, rounded up.

    Samples nearer in time than that are near in space whatever the dynamics (Theiler): estimates leave them out.

    Args:
        series: `(time, output)`, regularly sampled, without gaps, no output constant.

    Returns:
        A number of samples, 1 at least.

    >>> mean_period(np.sin(2 * np.pi * np.arange(1000) / 100))
    100
    """
    y = as_windows("series", series)[0]
    power = power_spectrum(y, smoothing=0).mean(axis=1)
    frequency = np.arange(power.size) / len(y)
    return math.ceil(1 / float((frequency * power).sum()) - 1e-6)
