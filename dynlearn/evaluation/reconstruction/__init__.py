"""Reconstruction: whether a model, run free for long, is the system that the data come from."""

from dynlearn.evaluation.reconstruction.measures.autocorrelation import (
    autocorrelation,
    autocorrelation_distance,
)
from dynlearn.evaluation.reconstruction.measures.dimension import correlation_dimension
from dynlearn.evaluation.reconstruction.measures.embedding import decorrelation, embedded, mean_period
from dynlearn.evaluation.reconstruction.measures.exponent import lyapunov_exponent
from dynlearn.evaluation.reconstruction.measures.geometry import (
    binned_divergence,
    mixture_divergence,
    state_space_divergence,
)
from dynlearn.evaluation.reconstruction.measures.spectrum import power_spectrum, spectral_distance
from dynlearn.evaluation.reconstruction.measures.valid_time import (
    normalised_error,
    prediction_error,
    valid_prediction_time,
)
from dynlearn.evaluation.reconstruction.metrics import METRICS
from dynlearn.evaluation.reconstruction.reconstruct import reconstruction_scores

__all__ = [
    "METRICS",
    "autocorrelation",
    "autocorrelation_distance",
    "binned_divergence",
    "correlation_dimension",
    "decorrelation",
    "embedded",
    "lyapunov_exponent",
    "mean_period",
    "mixture_divergence",
    "normalised_error",
    "power_spectrum",
    "prediction_error",
    "reconstruction_scores",
    "spectral_distance",
    "state_space_divergence",
    "valid_prediction_time",
]
