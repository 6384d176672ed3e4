"""White noise on well-sampled signals: how much of it there is, and the signal without most of it."""

from collections.abc import Sequence
from math import comb

import numpy as np
from jaxtyping import Float
from scipy.signal import savgol_coeffs, savgol_filter

ORDER = 5
"""Differences of this order leave nothing of a well-sampled signal."""
LARGEST = 0.25
"""Of the signal's deviation: more is not told apart from dynamics that the sampling does not resolve."""
DEGREE = 3
"""Of the local polynomials."""
PROBE, TOO_MUCH = 7, 1.15
"""Residuals of cubics over so many samples exceed those of white noise by no more than this factor."""
FEWEST = 50
"""Samples, to say anything from."""
WIDTHS = (5, 7, 9, 11, 13, 17, 21, 25, 33, 41, 51)

Stretches = Sequence[Float[np.ndarray, " time"]]
"""Regularly sampled pieces of one signal, without gaps."""


def noise_deviation(stretches: Stretches) -> float:
    r"""Standard deviation of the white noise on a signal; 0 where none is seen.

        sigma^2 = mean (Delta^5 y)^2 / binom(10, 5)

    is the variance of white noise once the differences of the signal itself are gone. What local cubics over seven
    samples leave of white noise then has the variance sigma^2 (1 - c_0), c_0 the weight of a sample in its own
    estimate; a signal that moves faster than they can follow, a random walk or a map, leaves more.

    Reference: Hall, Kay, Titterington, "Asymptotically optimal difference-based estimation of variance in
    nonparametric regression", Biometrika 1990.

    >>> rng = np.random.default_rng(0)
    >>> round(noise_deviation([np.sin(0.05 * np.arange(2000)) + 0.1 * rng.normal(size=2000)]), 2)
    0.1
    >>> noise_deviation([np.sin(0.05 * np.arange(2000))])
    0.0
    """
    long = [y for y in stretches if y.size >= 2 * PROBE]
    if sum(y.size for y in long) < FEWEST:
        return 0.0
    square = np.concatenate([np.diff(y, n=ORDER) ** 2 for y in long]).mean() / comb(2 * ORDER, ORDER)
    left, own = _left(long, PROBE)
    white = left <= TOO_MUCH * square * (1 - own)
    return (
        float(np.sqrt(square)) if white and 0 < square <= (LARGEST * np.concatenate(long).std()) ** 2 else 0.0
    )


def _left(stretches: Stretches, width: int) -> tuple[float, float]:
    """Mean square that local cubics leave, and the weight of a sample in its own estimate."""
    half = width // 2
    squares = [(y - savgol_filter(y, width, DEGREE))[half:-half] ** 2 for y in stretches]
    return float(np.concatenate(squares).mean()), float(savgol_coeffs(width, DEGREE)[half])


def smoothed(stretches: Stretches) -> tuple[list[Float[np.ndarray, " time"]], float]:
    """The stretches by local cubics over as many samples as have the least risk, and the noise's deviation.

    Stein's estimate of the risk, mean (y - yhat)^2 + 2 sigma^2 c_0 - sigma^2 with c_0 the weight of a sample in its own
    estimate, falls with the width until the cubics no longer follow the signal. Without noise, and where a stretch is
    too short, the stretches come back as they are.

    References: Savitzky, Golay, "Smoothing and differentiation of data by simplified least squares procedures",
    Analytical Chemistry 1964; Stein, "Estimation of the mean of a multivariate normal distribution", Annals of
    Statistics 1981.

    >>> rng = np.random.default_rng(0)
    >>> truth = np.sin(0.05 * np.arange(2000))
    >>> (found,), sigma = smoothed([truth + 0.1 * rng.normal(size=2000)])
    >>> bool(np.std(found - truth) < 0.04)
    True
    """
    sigma = noise_deviation(stretches)
    if sigma == 0:
        return list(stretches), 0.0
    best, least = 1, sigma**2
    for width in WIDTHS:
        long = [y for y in stretches if y.size >= 2 * width]
        if not long:
            break
        left, own = _left(long, width)
        risk = left + 2 * sigma**2 * own - sigma**2
        if risk < least:
            best, least = width, risk
    if best == 1:
        return list(stretches), sigma
    return [savgol_filter(y, best, DEGREE) if y.size >= 2 * best else y for y in stretches], sigma
