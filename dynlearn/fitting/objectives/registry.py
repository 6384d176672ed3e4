"""Objectives by name."""

from typing import Any

from jaxtyping import Array, Float, Key

from dynlearn.contract.markers import AbstractStochastic
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, check_known
from dynlearn.fitting.objectives.contract import Objective
from dynlearn.fitting.objectives.energy import energy
from dynlearn.fitting.objectives.multi_step import multi_step
from dynlearn.on_use import Table
from dynlearn.trajectories.window import Window

OBJECTIVES = Table(
    {
        "multi_step": "dynlearn.fitting.objectives.multi_step:multi_step",
        "likelihood": "dynlearn.fitting.objectives.likelihood:likelihood",
        "energy": "dynlearn.fitting.objectives.energy:energy",
        "locally_regularized": "dynlearn.fitting.objectives.locally_regularized:locally_regularized",
        "latent_consistency": "dynlearn.fitting.objectives.latent_consistency:latent_consistency",
        "teacher_forcing": "dynlearn.fitting.objectives.teacher_forcing:teacher_forcing",
        "forced_and_free": "dynlearn.fitting.objectives.teacher_forcing:forced_and_free",
        "marginal_likelihood": "dynlearn.fitting.objectives.marginal_likelihood:marginal_likelihood",
        "elbo": "dynlearn.fitting.objectives.elbo:elbo",
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


def validation_score(model: AbstractModel, windows: Window, key: Key[Array, ""]) -> Float[Array, ""]:
    """What a fit is judged by on held-out windows, whatever it minimises: proper for the kind of model."""
    score = energy if isinstance(model, AbstractStochastic) else multi_step
    return score(model, windows, key)[0]
