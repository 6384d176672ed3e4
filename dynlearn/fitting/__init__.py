"""Fitting: objectives, methods, and the one call `fit`."""

from typing import TYPE_CHECKING

from dynlearn.fitting.fit import fit
from dynlearn.on_use import names_of

if TYPE_CHECKING:  # what the names below are, for type checkers and editors
    from dynlearn.fitting.calibration import calibrate
    from dynlearn.fitting.methods.calibration import Calibration
    from dynlearn.fitting.methods.gradient import Gradient
    from dynlearn.fitting.methods.least_squares import LeastSquares
    from dynlearn.fitting.methods.likelihood.em import EM
    from dynlearn.fitting.methods.likelihood.maximum_likelihood import MaximumLikelihood
    from dynlearn.fitting.methods.likelihood.switching_em import SwitchingEM
    from dynlearn.fitting.methods.spread import SpreadByScore
    from dynlearn.fitting.methods.subspace import Subspace
    from dynlearn.fitting.methods.table import METHODS
    from dynlearn.fitting.methods.teacher_forcing import TeacherForcing
    from dynlearn.fitting.nonlinear_units import select_nonlinear
    from dynlearn.fitting.objectives.contract import Objective
    from dynlearn.fitting.objectives.energy import energy
    from dynlearn.fitting.objectives.forcing.generalized import generalized_teacher_forcing
    from dynlearn.fitting.objectives.forcing.manifold_attractor import manifold_attractor
    from dynlearn.fitting.objectives.forcing.sparse import sparse_teacher_forcing
    from dynlearn.fitting.objectives.forcing.teacher_forcing import forced_and_free, teacher_forcing
    from dynlearn.fitting.objectives.latent_consistency import latent_consistency
    from dynlearn.fitting.objectives.likelihood import likelihood
    from dynlearn.fitting.objectives.locally_regularized import locally_regularized
    from dynlearn.fitting.objectives.marginal_likelihood import marginal_likelihood
    from dynlearn.fitting.objectives.multi_step import multi_step
    from dynlearn.fitting.objectives.multiple_shooting import multiple_shooting
    from dynlearn.fitting.objectives.registry import OBJECTIVES
    from dynlearn.fitting.orders import order_scores, select_order
    from dynlearn.fitting.pretraining import pretrain
    from dynlearn.fitting.result import FitResult, Reason

_WHERE = {
    "Calibration": "dynlearn.fitting.methods.calibration",
    "EM": "dynlearn.fitting.methods.likelihood.em",
    "FitResult": "dynlearn.fitting.result",
    "Gradient": "dynlearn.fitting.methods.gradient",
    "LeastSquares": "dynlearn.fitting.methods.least_squares",
    "METHODS": "dynlearn.fitting.methods.table",
    "MaximumLikelihood": "dynlearn.fitting.methods.likelihood.maximum_likelihood",
    "OBJECTIVES": "dynlearn.fitting.objectives.registry",
    "Objective": "dynlearn.fitting.objectives.contract",
    "Reason": "dynlearn.fitting.result",
    "SpreadByScore": "dynlearn.fitting.methods.spread",
    "Subspace": "dynlearn.fitting.methods.subspace",
    "SwitchingEM": "dynlearn.fitting.methods.likelihood.switching_em",
    "TeacherForcing": "dynlearn.fitting.methods.teacher_forcing",
    "calibrate": "dynlearn.fitting.calibration",
    "energy": "dynlearn.fitting.objectives.energy",
    "forced_and_free": "dynlearn.fitting.objectives.forcing.teacher_forcing",
    "latent_consistency": "dynlearn.fitting.objectives.latent_consistency",
    "generalized_teacher_forcing": "dynlearn.fitting.objectives.forcing.generalized",
    "manifold_attractor": "dynlearn.fitting.objectives.forcing.manifold_attractor",
    "multiple_shooting": "dynlearn.fitting.objectives.multiple_shooting",
    "sparse_teacher_forcing": "dynlearn.fitting.objectives.forcing.sparse",
    "likelihood": "dynlearn.fitting.objectives.likelihood",
    "locally_regularized": "dynlearn.fitting.objectives.locally_regularized",
    "marginal_likelihood": "dynlearn.fitting.objectives.marginal_likelihood",
    "multi_step": "dynlearn.fitting.objectives.multi_step",
    "order_scores": "dynlearn.fitting.orders",
    "pretrain": "dynlearn.fitting.pretraining",
    "select_nonlinear": "dynlearn.fitting.nonlinear_units",
    "select_order": "dynlearn.fitting.orders",
    "teacher_forcing": "dynlearn.fitting.objectives.forcing.teacher_forcing",
}

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
    "SpreadByScore",
    "Subspace",
    "SwitchingEM",
    "TeacherForcing",
    "calibrate",
    "energy",
    "fit",
    "forced_and_free",
    "generalized_teacher_forcing",
    "latent_consistency",
    "likelihood",
    "locally_regularized",
    "manifold_attractor",
    "marginal_likelihood",
    "multi_step",
    "multiple_shooting",
    "order_scores",
    "pretrain",
    "select_nonlinear",
    "select_order",
    "sparse_teacher_forcing",
    "teacher_forcing",
]

__getattr__, __dir__ = names_of(__name__, _WHERE)
