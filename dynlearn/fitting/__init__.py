"""Fitting: objectives, methods, and the one call `fit`."""

from dynlearn.fitting.calibration import calibrate
from dynlearn.fitting.fit import METHODS, Calibration, fit
from dynlearn.fitting.gradient import Gradient
from dynlearn.fitting.least_squares import LeastSquares
from dynlearn.fitting.objectives import OBJECTIVES, Objective, latent_consistency, likelihood, multi_step
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
    "fit",
    "latent_consistency",
    "likelihood",
    "multi_step",
]
