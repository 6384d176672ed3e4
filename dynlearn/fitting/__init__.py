"""Fitting: objectives, methods, and the one call `fit`."""

from dynlearn.fitting.calibration import calibrate
from dynlearn.fitting.em import EM
from dynlearn.fitting.fit import METHODS, Calibration, fit
from dynlearn.fitting.gradient import Gradient
from dynlearn.fitting.least_squares import LeastSquares
from dynlearn.fitting.maximum_likelihood import MaximumLikelihood
from dynlearn.fitting.objectives import (
    OBJECTIVES,
    Objective,
    energy,
    latent_consistency,
    likelihood,
    locally_regularized,
    marginal_likelihood,
    multi_step,
)
from dynlearn.fitting.orders import order_scores, select_order
from dynlearn.fitting.result import FitResult, Reason
from dynlearn.fitting.subspace import Subspace
from dynlearn.fitting.switching_em import SwitchingEM
from dynlearn.fitting.teacher_forcing import forced_and_free, teacher_forcing

__all__ = [
    "EM",
    "METHODS",
    "OBJECTIVES",
    "Calibration",
    "FitResult",
    "Gradient",
    "LeastSquares",
    "MaximumLikelihood",
    "Objective",
    "Reason",
    "Subspace",
    "SwitchingEM",
    "calibrate",
    "energy",
    "fit",
    "forced_and_free",
    "latent_consistency",
    "likelihood",
    "locally_regularized",
    "marginal_likelihood",
    "multi_step",
    "order_scores",
    "select_order",
    "teacher_forcing",
]
