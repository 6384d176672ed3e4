"""The controls a model has seen: beyond them it says nothing, or guesses."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from dynlearn.contract.markers import AbstractAutonomous, AbstractTimed, AbstractWrapper
from dynlearn.contract.members import kind_of
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError
from dynlearn.numerics.fixed import trainable

FAR = 0.5
"""Of the width of the training range: how far beyond it a control may go without a word."""
RTOL = 1e-5
"""Relative difference up to which two controls are the same: a model keeps them in float32."""
MOVES = ("field", "map", "transition")
"""Names of the part of a model that moves its state, where that may be a function of the user's own."""
EXTRAPOLATES = "extrapolates"
"""The attribute of a dataset that says which controls went far beyond their training range."""


def check_controls(where: str, model: AbstractModel, values: Float[np.ndarray, "... control"]) -> str:
    """A sentence about the controls far outside their training range, "" where none is; NaN and inf count as none.

    `ArgumentError` where one leaves the only value it had in training. A model that does not use its controls knows
    all of them, and so does one that matrices were given for, or that a function of the user's own moves in which
    there is nothing to fit: no arrays, or only below `Fixed` nodes.
    """
    if not _learned(model):
        return ""
    far = []
    lows, highs = (np.asarray(a, float) for a in (model.scaling.control_low, model.scaling.control_high))
    for j, name in enumerate(model.signature.control_names):
        low, high = lows[j], highs[j]
        came = np.asarray(values, float)[..., j]
        came = came[np.isfinite(came)]
        if not came.size:
            continue
        furthest = came[np.argmax(np.maximum(low - came, came - high))]
        if low == high and abs(furthest - low) > RTOL * abs(low):
            # Bounds that leave a control one value leave a planner nothing to plan.
            remedy = "to data without it" if where == "bounds" else f"leave it at {low:g}"
            raise ArgumentError(
                f"{where}: control {name!r} was {low:g} throughout the training data, so what it does is not known; "
                f"got {furthest:g}. Fit to data in which it moves, or {remedy}."
            )
        margin = FAR * (high - low) + RTOL * max(abs(low), abs(high))
        if furthest < low - margin or furthest > high + margin:
            far.append(
                f"control {name!r} reaches {furthest:g}, in training it was within {low:g} to {high:g}"
            )
    return "; ".join(far)


def _learned(model: Any) -> bool:
    """Whether what controls do to the state was learned from data."""
    model = kind_of(model)
    while isinstance(model, AbstractWrapper):
        model = model.model
    if isinstance(model, AbstractAutonomous):
        return False
    moves = next((getattr(model, name) for name in MOVES if hasattr(model, name)), None)
    return not isinstance(moves, AbstractTimed) or any(jax.tree.leaves(trainable(moves)))
