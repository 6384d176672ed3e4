"""What the methods that maximise a likelihood share: the border, and data and model in float64."""

import dataclasses
from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array

from dynlearn.errors import ArgumentError
from dynlearn.fitting._method import Outcome, Session
from dynlearn.fitting.result import Reason
from dynlearn.inference import _border
from dynlearn.models import AbstractModel, AbstractStateSpace, LinearStateSpace
from dynlearn.models._independent import Independent
from dynlearn.models._linear_systems import MatrixSystem
from dynlearn.numerics.window import Window


def check(method: str, model: AbstractModel) -> AbstractStateSpace:
    if not isinstance(model, AbstractStateSpace):
        raise ArgumentError(
            f"{method}: expected a state-space model such as LinearStateSpace, got {type(model).__name__}; "
            f"use method='gradient'."
        )
    return model


def on_independent(
    run: Callable[[AbstractModel, Session], Outcome], model: AbstractModel, session: Session
) -> Outcome:
    """`run` on the outputs that say something of their own; constants and copies of these follow from them."""
    if not isinstance(model, LinearStateSpace) or not isinstance(model.system, MatrixSystem):
        return run(model, session)
    own = Independent.of(session.train, model.scaling)
    if own.all:
        return run(model, session)
    small = own.reduced(model)
    if own.kept:
        found = run(small, dataclasses.replace(session, train=own.select(session.train)))
    else:
        # Of no values at all the likelihood is 1.
        found = Outcome(
            small, [{"step": 0.0, "loss": 0.0}], Reason.SOLVED, {"steps": 0, "log_likelihood": 0.0}
        )
    names = model.signature.output_names
    copies = sorted({*range(len(names))} - {*own.kept, *own.constant})
    statistics = {
        **found.statistics,
        "constant": [names[i] for i in own.constant],
        "follow from the others": [names[i] for i in copies],
    }
    return dataclasses.replace(found, model=own.expanded(found.model, model), statistics=statistics)


def runs_of(model: AbstractStateSpace, session: Session) -> tuple[AbstractStateSpace, Window, Array]:
    """Model and runs in float64, and the number of measured values."""
    model, runs = _border.on_device(model, session.train)
    return model, runs, jnp.maximum(runs.observed.sum(), 1)
