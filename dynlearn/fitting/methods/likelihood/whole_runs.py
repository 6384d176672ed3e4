"""What the methods that maximise a likelihood share: the border, and data and model in float64."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from dynlearn.contract.model import AbstractModel
from dynlearn.contract.state_space import AbstractStateSpace
from dynlearn.errors import ArgumentError
from dynlearn.fitting.result import Reason
from dynlearn.fitting.session import Outcome, Session
from dynlearn.inference import border
from dynlearn.models.linear.independent import Independent
from dynlearn.models.linear.linear_state_space import LinearStateSpace
from dynlearn.parts.transitions.linear_systems import MatrixSystem
from dynlearn.trajectories.window import Window


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


class Runs(NamedTuple):
    """All runs in float64, those of similar length in a window each: one window, where padding wastes little."""

    groups: tuple[Window, ...]
    which: list[np.ndarray]
    """The places of their runs in the data."""

    @property
    def measured(self) -> Array:
        """Measured values, at least 1."""
        return jnp.maximum(sum((runs.observed.sum() for runs in self.groups), jnp.zeros((), int)), 1)

    @property
    def moves(self) -> bool:
        """Whether any run has two samples."""
        return any(bool((runs.valid[:, :-1] & runs.valid[:, 1:]).any()) for runs in self.groups)


def runs_of(model: AbstractStateSpace, session: Session) -> tuple[AbstractStateSpace, Runs]:
    """Model and runs in float64."""
    model, groups, which = border.groups_on_device(model, session.train, model.inference)
    return model, Runs(groups, which)
