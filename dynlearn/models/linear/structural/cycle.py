"""Cycle: a damped oscillation of unknown period, kept up by noise."""

import math
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.errors import ArgumentError
from dynlearn.models.linear.structural.piece import Block, Piece, check_deviation, deviation
from dynlearn.numerics.plain import plain


class Cycle(Piece):
    """psi_{k+1} = rho R(2 pi / period) psi_k + scale w_k, R a rotation, 0 < rho < 1; the output sees psi_1.

    Starts from its stationary distribution.

    Args:
        shortest, longest_period: the period is found between them, in samples; 2 < shortest < longest_period.
        scale: standard deviation of w, in the output's unit, where a fit starts.

    Raises:
        ArgumentError: bounds that are not in this order, a negative scale.

    Reference: Harvey 1989, section 2.3.3.

    >>> from dynlearn.models import structural
    >>> structural.Trend() + structural.Cycle(8, 40)
    Pieces(Trend, Cycle)
    """

    shortest: float = eqx.field(static=True, converter=plain)
    longest_period: float = eqx.field(static=True, converter=plain)
    scale: Any = None
    raw: Float[Array, "2"] | None = None
    """logit of rho, and of where the frequency lies between its bounds."""

    def __check_init__(self):
        if not 2 < self.shortest < self.longest_period < math.inf:
            raise ArgumentError(
                f"Cycle: expected 2 < shortest < longest_period (in samples), got {self.shortest!r} and "
                f"{self.longest_period!r}."
            )
        if not isinstance(self.scale, Array):
            check_deviation("Cycle: scale", self.scale)

    @property
    def state_names(self) -> tuple[str, ...]:
        return "cycle", "cycle.1"

    def scaled(self, mean: float, scale: float, controls: int) -> Self:
        raw = jnp.array([2.0, 0.0])
        return type(self)(self.shortest, self.longest_period, deviation(self.scale, 0.2, scale), raw)

    def _values(self) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """rho, and the angle per sample."""
        rho, at = jax.nn.sigmoid(self.raw)  # type: ignore[arg-type]
        low, high = 2 * math.pi / self.longest_period, 2 * math.pi / self.shortest
        return rho, low + at * (high - low)

    def block(self) -> Block:
        rho, angle = self._values()
        c, s = jnp.cos(angle), jnp.sin(angle)
        eye = jnp.eye(2)
        spread = jnp.abs(self.scale) / jnp.sqrt(1 - rho**2)
        rotation = jnp.array([[c, s], [-s, c]])
        return Block(rho * rotation, self.scale * eye, eye[0], jnp.zeros(2), spread * eye)

    def parameters(self, scale: float) -> dict[str, float]:
        rho, angle = self._values()
        return {
            "cycle": abs(float(self.scale)) * scale,
            "cycle damping": float(rho),
            "cycle period": 2 * math.pi / float(angle),
        }
