"""Noise for sampled controls: white, or coloured so that neighbouring steps agree."""

import numpy as np
import scipy.linalg
from jaxtyping import Float


def coloured(horizon: int, color: int | float) -> Float[np.ndarray, "horizon horizon"]:
    r"""L such that L z, z ~ N(0, I), is stationary noise of unit variance with spectrum ~ f^-color.

    0 is white, 1 pink, 2 a random walk's spectrum. White noise moves a system little, because its
    steps cancel; coloured noise explores slow pushes, so that fewer samples are enough. The
    spectrum is cut below one period per two horizons.

    Reference: Pinneri et al., "Sample-efficient cross-entropy method for real-time planning",
    CoRL 2020 (there by FFT; here by a square root of the covariance, which is exact at any length).

    >>> bool(np.allclose(coloured(4, 0.0), np.eye(4)))
    True
    >>> L = coloured(20, 2.0)
    >>> bool(np.allclose((L @ L.T).diagonal(), 1))
    True
    """
    if color == 0 or horizon == 1:
        return np.eye(horizon)
    frequency = np.arange(horizon + 1) / (2 * horizon)
    frequency[0] = frequency[1]
    covariance = np.fft.irfft(frequency**-color)[:horizon]
    toeplitz = scipy.linalg.toeplitz(covariance / covariance[0])
    return np.linalg.cholesky(toeplitz + 1e-9 * np.eye(horizon))
