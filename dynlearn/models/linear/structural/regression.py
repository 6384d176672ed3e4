"""Regression: the part of the output that follows the controls of the same instant."""

from typing import Self

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dynlearn.errors import ArgumentError
from dynlearn.models.linear.structural.piece import Piece


class Regression(Piece):
    """beta^T u_k, u the dataset's controls, beta constant and found by the fit.

    Args:
        beta: left out; one coefficient per control, which a fit starts at 0.

    >>> from dynlearn.models import structural
    >>> structural.Level() + structural.Regression()
    Pieces(Level, Regression)
    """

    beta: Float[Array, " control"] | None = None
    """In scaled units."""

    @property
    def state_names(self) -> tuple[str, ...]:
        return ()

    def scaled(self, mean: float, scale: float, controls: int) -> Self:
        if controls == 0:
            raise ArgumentError("structural.Regression: expected data with controls, got none; leave it out.")
        return type(self)(jnp.zeros(controls))

    def block(self) -> None:
        return None

    def gain(self, controls: int) -> Float[Array, " control"]:
        return self.beta  # type: ignore[return-value]

    def parameters(self, scale: float) -> dict[str, float]:
        return {f"regression {i}": float(v) for i, v in enumerate(np.asarray(self.beta))}
