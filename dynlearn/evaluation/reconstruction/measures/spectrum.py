"""D_H: whether a model's free run has the power spectra of the data."""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from dynlearn.errors import check_number
from dynlearn.evaluation.reconstruction.measures._series import (
    as_series,
    as_windows,
    check_alike,
    check_changing,
)
from dynlearn.references import cites


@cites("mikhaeil2022difficulty", "hess2023generalized")
def spectral_distance(generated: ArrayLike, reference: ArrayLike, smoothing: float = 20.0) -> float:
    """D_H, the Hellinger distance of the power spectra, averaged over the outputs.

        D_H = mean_j sqrt(1/2 sum_f (sqrt(p_f) - sqrt(q_f))^2),

    p and q the spectra of `power_spectrum`. It lies between 0 (equal spectra) and 1, reads nothing of phases, and
    **depends on the length**: the same model has other values on longer runs, so state it and compare runs of one
    length. The data's own distance from data is its floor.

    Public variants: sqrt(1 - sum sqrt(p q)), which is the same but for rounding; smoothing of 20 bins (Lorenz) or
    other widths per data set; older ones correlate spectra in decibels, cut off at a frequency.

    Args:
        generated: the free run, `(time, output)`, regularly sampled; an output that is constant or not finite has
            no spectrum, and the distance 1.
        reference: the data, `(time, output)` of the same length without gaps, or several such windows,
            `(window, time, output)`, whose spectra are averaged.
        smoothing: standard deviation of the Gaussian over frequencies, in bins of 1 / (length times interval); 0
            for none.

    Returns:
        A number from 0 to 1.

    Raises:
        ArgumentError: shapes that do not fit, a reference with gaps or with an output that never changes.

    References: Mikhaeil, Monfared, Durstewitz, "On the difficulty of learning chaotic dynamics with RNNs", NeurIPS
    2022; Hess, Monfared, Brenner, Durstewitz, "Generalized teacher forcing for learning chaotic dynamics", ICML
    2023.

    >>> t = np.arange(1000)
    >>> slow, fast = np.sin(2 * np.pi * t / 100), np.sin(2 * np.pi * t / 4)
    >>> spectral_distance(np.roll(slow, 17), slow, 0) < 1e-6, round(spectral_distance(fast, slow, 0), 6)
    (True, 1.0)
    """
    x, windows = as_series("generated", generated), as_windows("reference", reference)
    check_alike(x, windows, length=True)
    return to_spectrum(x, mean_spectrum(windows, smoothing), smoothing)


def power_spectrum(series: ArrayLike, smoothing: float = 20.0) -> Float[np.ndarray, "frequency output"]:
    """The smoothed, normalised power spectrum of every output: it adds up to 1 over the frequencies.

    The mean is taken off and nothing else (no trend, no taper), |FFT|^2 is smoothed by a Gaussian that is cut at 4
    standard deviations and reflected at both ends, and divided by its sum.

    Args:
        series: `(time, output)`, regularly sampled, without gaps.
        smoothing: standard deviation of the Gaussian, in bins; 0 for none.

    Returns:
        `(frequency, output)` at the frequencies k / (length times interval), k = 0 .. length / 2.

    Raises:
        ArgumentError: a series with gaps, or with an output that never changes.

    >>> spectrum = power_spectrum(np.sin(2 * np.pi * np.arange(100) / 10), smoothing=0)
    >>> int(spectrum.argmax()), round(float(spectrum.sum()), 6)
    (10, 1.0)
    """
    return mean_spectrum(as_windows("series", series), smoothing)


def mean_spectrum(
    windows: Float[np.ndarray, "window time output"], smoothing: float
) -> Float[np.ndarray, "frequency output"]:
    """The spectra of several windows, averaged after each was normalised."""
    check_number("spectrum", "smoothing", smoothing)
    check_changing("reference", windows)
    return _normalised(windows, smoothing).mean(axis=0)


def to_spectrum(
    x: Float[np.ndarray, "time output"], spectrum: Float[np.ndarray, "frequency output"], smoothing: float
) -> float:
    """D_H of a run from a spectrum that was computed before."""
    there = np.isfinite(x).all(axis=0) & ~(x == x[:1]).all(axis=0)
    found = np.ones(x.shape[1])
    if there.any():
        apart = np.sqrt(_normalised(x[None][..., there], smoothing)[0]) - np.sqrt(spectrum[:, there])
        found[there] = np.sqrt(0.5 * (apart**2).sum(axis=0))
    return float(found.mean())


def _normalised(
    windows: Float[np.ndarray, "window time output"], smoothing: float
) -> Float[np.ndarray, "window frequency output"]:
    from scipy.ndimage import gaussian_filter1d

    # Squares must not overflow.
    scaled = windows / np.abs(windows).max(axis=1, keepdims=True).clip(np.finfo(float).tiny)
    power = np.abs(np.fft.rfft(scaled - scaled.mean(axis=1, keepdims=True), axis=1)) ** 2
    power = gaussian_filter1d(power, smoothing, axis=1) if smoothing > 0 else power
    return power / power.sum(axis=1, keepdims=True)
