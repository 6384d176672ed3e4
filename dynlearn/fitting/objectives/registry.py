"""Objectives by name."""

from typing import Any

from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, check_known
from dynlearn.fitting.objectives.contract import Objective
from dynlearn.on_use import Table

OBJECTIVES = Table(
    {
        "multi_step": "dynlearn.fitting.objectives.multi_step:multi_step",
        "relative_error": "dynlearn.fitting.objectives.relative_error:relative_error",
        "likelihood": "dynlearn.fitting.objectives.likelihood:likelihood",
        "energy": "dynlearn.fitting.objectives.energy:energy",
        "locally_regularized": "dynlearn.fitting.objectives.locally_regularized:locally_regularized",
        "latent_consistency": "dynlearn.fitting.objectives.latent_consistency:latent_consistency",
        "teacher_forcing": "dynlearn.fitting.objectives.forcing.teacher_forcing:teacher_forcing",
        "forced_and_free": "dynlearn.fitting.objectives.forcing.teacher_forcing:forced_and_free",
        "marginal_likelihood": "dynlearn.fitting.objectives.marginal_likelihood:marginal_likelihood",
        "elbo": "dynlearn.fitting.objectives.elbo:elbo",
        "sparse_teacher_forcing": "dynlearn.fitting.objectives.forcing.sparse:sparse_teacher_forcing",
        "generalized_teacher_forcing": "dynlearn.fitting.objectives.forcing.generalized:generalized_teacher_forcing",
        "manifold_attractor": "dynlearn.fitting.objectives.forcing.manifold_attractor:manifold_attractor",
        "multiple_shooting": "dynlearn.fitting.objectives.multiple_shooting:multiple_shooting",
        "expectation": "dynlearn.fitting.objectives.expectation:expectation",
    }
)


def resolve(objective: str | Objective | None, model: AbstractModel) -> Objective:
    """The function of that name, a function of the user's own, or the model's default."""
    chosen: Any = model.objective if objective is None else objective
    if isinstance(chosen, str):
        check_known("objective", [chosen], OBJECTIVES)
        return OBJECTIVES[chosen]
    if not callable(chosen):
        raise ArgumentError(f"objective: expected a name or a function (model, batch, key), got {chosen!r}.")
    return chosen
