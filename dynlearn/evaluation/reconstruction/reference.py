"""What free runs are compared with: the samples of the test set, and windows of it as long as a run."""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from dynlearn.evaluation.reconstruction.measures.autocorrelation import mean_autocorrelation
from dynlearn.evaluation.reconstruction.measures.dimension import correlation_dimension
from dynlearn.evaluation.reconstruction.measures.embedding import embedded
from dynlearn.evaluation.reconstruction.measures.exponent import lyapunov_exponent
from dynlearn.evaluation.reconstruction.measures.spectrum import mean_spectrum
from dynlearn.evaluation.reconstruction.settings import Settings


class Windows:
    """Recorded windows without gaps, and what is computed of each of them once."""

    def __init__(
        self, values: Float[np.ndarray, "window time output"], scale: np.ndarray, settings: Settings
    ):
        self.values, self._scale, self._settings = values, scale, settings

    @functools.cached_property
    def spectra(self) -> Float[np.ndarray, "window frequency output"]:
        return np.stack([mean_spectrum(w[None], self._settings.smoothing) for w in self.values])

    @functools.cached_property
    def autocorrelations(self) -> Float[np.ndarray, "window lag output"]:
        return np.stack([mean_autocorrelation(w[None], self._settings.lags) for w in self.values])

    @functools.cached_property
    def exponents(self) -> Float[np.ndarray, " window"]:
        return np.array([exponent(w, self._scale, self._settings) for w in self.values])

    @functools.cached_property
    def dimensions(self) -> Float[np.ndarray, " window"]:
        return np.array([dimension(w, self._scale, self._settings) for w in self.values])


class Reference(NamedTuple):
    """The test set as the scores read it, or what is left of it without one window."""

    samples: Float[np.ndarray, "sample output"]
    """All that are complete, of the outputs that change."""
    windows: Windows
    kept: Bool[np.ndarray, " window"]
    """The windows that count."""
    scale: Float[np.ndarray, " output"]
    """Standard deviation of every output over the whole test set."""

    @property
    def spectrum(self) -> Float[np.ndarray, "frequency output"]:
        return self.windows.spectra[self.kept].mean(axis=0)

    @property
    def autocorrelation(self) -> Float[np.ndarray, "lag output"]:
        return self.windows.autocorrelations[self.kept].mean(axis=0)

    @property
    def exponent(self) -> float:
        return float(np.median(self.windows.exponents[self.kept]))

    @property
    def dimension(self) -> float:
        return float(np.median(self.windows.dimensions[self.kept]))


def exponent(run: Float[np.ndarray, "time output"], scale: np.ndarray, settings: Settings) -> float:
    """Of the run's states, every output in standard deviations of the test set."""
    states = embedded(run / scale, settings.copies, settings.delay)
    return lyapunov_exponent(states, settings.interval or 1.0, theiler=settings.theiler)


def dimension(run: Float[np.ndarray, "time output"], scale: np.ndarray, settings: Settings) -> float:
    """Of the run's states, every output in standard deviations of the test set."""
    return correlation_dimension(
        embedded(run / scale, settings.copies, settings.delay), theiler=settings.theiler
    )
