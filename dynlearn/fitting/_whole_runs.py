"""What the methods that maximise a likelihood share: the border, and data and model in float64."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from dynlearn.errors import ArgumentError, FitError
from dynlearn.fitting._method import Session
from dynlearn.inference import _border
from dynlearn.models import AbstractModel, AbstractStateSpace
from dynlearn.numerics.window import Window


def check(method: str, model: AbstractModel, session: Session) -> AbstractStateSpace:
    if not isinstance(model, AbstractStateSpace):
        raise ArgumentError(
            f"{method}: expected a state-space model such as LinearStateSpace, got {type(model).__name__}; "
            f"use method='gradient'."
        )
    if not np.isfinite(session.train["output"].values).any():
        raise FitError(
            f"{method}: no output of the training data was measured; give data with measured outputs."
        )
    return model


def runs_of(model: AbstractStateSpace, session: Session) -> tuple[AbstractStateSpace, Window, Array]:
    """Model and runs in float64, and the number of measured values."""
    model, runs = _border.on_device(model, session.train)
    return model, runs, jnp.maximum(runs.observed.sum(), 1)
