"""The scores of a reconstruction: of each its definition, what it needs, and what a diverged run gets."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from dynlearn.evaluation.reconstruction.measures.autocorrelation import (
    autocorrelation_distance,
    to_autocorrelation,
)
from dynlearn.evaluation.reconstruction.measures.dimension import correlation_dimension
from dynlearn.evaluation.reconstruction.measures.exponent import lyapunov_exponent
from dynlearn.evaluation.reconstruction.measures.geometry import state_space_divergence
from dynlearn.evaluation.reconstruction.measures.spectrum import spectral_distance, to_spectrum
from dynlearn.evaluation.reconstruction.measures.valid_time import prediction_error, valid_prediction_time
from dynlearn.evaluation.reconstruction.reference import Reference, dimension, exponent
from dynlearn.evaluation.reconstruction.settings import Settings
from dynlearn.references import keys_of


class Case(NamedTuple):
    """One free run, and what was recorded meanwhile."""

    path: Float[np.ndarray, "lead output"]
    """From the first sample after the start on."""
    recorded: Float[np.ndarray, "lead output"]
    """NaN where nothing was measured."""
    elapsed: Float[np.ndarray, " lead"]
    """Time since the start."""
    reference: Reference
    diverged: bool
    gaps: bool
    """Whether the path was recorded itself, and has samples that are not complete."""
    settings: Settings

    @property
    def run(self) -> Float[np.ndarray, "time output"]:
        """What is left after the transient; of a run that diverged nothing is finite."""
        run = self.path[self.settings.discard :]
        return np.full_like(run, np.nan) if self.diverged else run

    @property
    def compared(self) -> Float[np.ndarray, "lead output"]:
        """What was recorded, where there is something to compare it with."""
        return np.where(np.isnan(self.path), np.nan, self.recorded) if self.gaps else self.recorded


class Metric(NamedTuple):
    of: Callable[[Case], float]
    """The score; of an invariant the number itself, whose distance from that of the data is the score."""
    definition: Callable[[Settings], str]
    function: Callable
    """Where the definition stands in full, with its sources."""
    windows: Callable[[Reference], Any] | None = None
    """What of the test set's windows without gaps a run is compared with; None where none are needed."""
    regular: bool = False
    """Whether it takes regular sampling."""
    invariant: bool = False
    largest_best: bool = False

    def of_windows(self, reference: Reference) -> Any:
        """What a run is compared with; 0 where windows are not needed."""
        return 0.0 if self.windows is None else self.windows(reference)

    @property
    def references(self) -> list[str]:
        return sorted(keys_of(self.function))

    def scored(self, case: Case) -> tuple[float, float]:
        """The score, and the invariant that it comes from, NaN where there is none."""
        if case.gaps and self.windows is not None:
            return np.nan, np.nan
        found = self.of(case)
        if not self.invariant:
            return found, np.nan
        apart = abs(found - self.of_windows(case.reference))
        return (apart if np.isfinite(apart) else np.inf), found


def _geometry(case: Case) -> float:
    run = case.run
    if case.gaps:
        run = run[np.isfinite(run).all(axis=1)]
    return state_space_divergence(run, case.reference.samples, case.settings.bins) if len(run) else np.nan


def _spectrum(case: Case) -> float:
    return to_spectrum(case.run, case.reference.spectrum, case.settings.smoothing)


def _error(case: Case) -> float:
    return prediction_error(case.path, case.compared, case.settings.steps, case.reference.scale)


def _valid_time(case: Case) -> float:
    return valid_prediction_time(
        case.path,
        case.compared,
        case.elapsed,
        scale=case.reference.scale,
        threshold=case.settings.threshold,
        lyapunov=case.settings.lyapunov,
    )


def _exponent(case: Case) -> float:
    return np.nan if case.diverged else exponent(case.run, case.reference.scale, case.settings)


def _dimension(case: Case) -> float:
    return np.nan if case.diverged else dimension(case.run, case.reference.scale, case.settings)


def _autocorrelation(case: Case) -> float:
    return to_autocorrelation(case.run, case.reference.autocorrelation)


METRICS: dict[str, Metric] = {
    "D_stsp": Metric(
        _geometry,
        lambda s: (
            "Kullback-Leibler divergence (nats) of the free run's distribution over state space from that of all "
            f"complete samples of the test set: of up to 3 outputs by histograms, {s.bins} bins per output over "
            "the range of the test set and one cell outside, 1e-5 added to every count; of more by mixtures with "
            "a Gaussian of one standard deviation at every sample"
        ),
        state_space_divergence,
    ),
    "D_H": Metric(
        _spectrum,
        lambda s: (
            f"Hellinger distance of normalised power spectra of {s.length} samples, smoothed by a Gaussian of "
            f"{s.smoothing:g} bins, mean over outputs; the data's is the mean spectrum of the test set's windows"
        ),
        spectral_distance,
        windows=lambda r: r.spectrum,
        regular=True,
    ),
    "prediction_error": Metric(
        _error,
        lambda s: (
            f"root of the mean over outputs of the squared error {s.steps} samples after the start, each divided "
            "by the output's standard deviation over the test set"
        ),
        prediction_error,
    ),
    "valid_time": Metric(
        _valid_time,
        lambda s: (
            f"time from the start to the last sample before that error first exceeds {s.threshold:g}, "
            + ("in Lyapunov times" if s.lyapunov else "in the time unit of the data")
        ),
        valid_prediction_time,
        largest_best=True,
    ),
    "lyapunov": Metric(
        _exponent,
        lambda s: (
            "distance of the largest Lyapunov exponent (per time unit; by the growth of the distance of nearest "
            f"neighbours more than {s.theiler} samples apart in time, {s.states}) from the median over the test "
            "set's windows"
        ),
        lyapunov_exponent,
        windows=lambda r: r.exponent,
        regular=True,
        invariant=True,
    ),
    "dimension": Metric(
        _dimension,
        lambda s: (
            "distance of the correlation dimension (slope of the correlation sum from 0.001 to 0.03, pairs more "
            f"than {s.theiler} samples apart in time, {s.states}) from the median over the test set's windows"
        ),
        correlation_dimension,
        windows=lambda r: r.dimension,
        invariant=True,
    ),
    "autocorrelation": Metric(
        _autocorrelation,
        lambda s: (
            f"root of the mean over lags 1 to {s.lags} of the squared difference of the autocorrelations, mean "
            "over outputs; the data's is the mean over the test set's windows"
        ),
        autocorrelation_distance,
        windows=lambda r: r.autocorrelation,
        regular=True,
    ),
}
"""In the order in which they are shown."""
