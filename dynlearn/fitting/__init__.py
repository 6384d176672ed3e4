"""Fitting: objectives, methods, and the one call `fit`."""

from dynlearn.fitting.calibration import calibrate
from dynlearn.fitting.fit import METHODS, Calibration, fit
from dynlearn.fitting.gradient import Gradient
from dynlearn.fitting.least_squares import LeastSquares
from dynlearn.fitting.objectives import (
    OBJECTIVES,
    Objective,
    energy,
    latent_consistency,
    likelihood,
    locally_regularized,
    multi_step,
)
from dynlearn.fitting.result import FitResult, Reason

__all__ = [
    "METHODS",
    "OBJECTIVES",
    "Calibration",
    "FitResult",
    "Gradient",
    "LeastSquares",
    "Objective",
    "Reason",
    "calibrate",
    "energy",
    "fit",
    "latent_consistency",
    "likelihood",
    "locally_regularized",
    "multi_step",
]
