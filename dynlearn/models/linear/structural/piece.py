"""A piece of a structural model, and sums of pieces."""

import abc
import dataclasses
import math
from typing import ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.errors import ArgumentError, is_number

DIFFUSE = 1e6
"""Initial variance, beside the variance of the data, of a state that nothing is known of."""


class Block(eqx.Module):
    """What a piece adds: states of its own, their part in the output, their start. In scaled units."""

    A: Float[Array, "state state"]
    chol_Q: Float[Array, "state state"]
    row: Float[Array, " state"]
    mean: Float[Array, " state"]
    chol: Float[Array, "state state"]


class Piece(eqx.Module):
    """One term of y = piece + piece + ... (+ noise). Standard deviations are in the output's unit."""

    references: ClassVar[tuple[str, ...]] = ("harvey1989forecasting",)

    @property
    @abc.abstractmethod
    def state_names(self) -> tuple[str, ...]:
        """One per state of its own; none where it has no state."""

    @abc.abstractmethod
    def scaled(self, mean: float, scale: float, controls: int) -> Self:
        """With every parameter that was left open at its start value, all in scaled units.

        Args:
            mean, scale: of the output.
            controls: how many the dataset has.
        """

    @abc.abstractmethod
    def block(self) -> Block | None:
        """The states, None where there are none."""

    def gain(self, controls: int) -> Float[Array, " control"]:
        """Coefficients of the controls of the same instant, of which there are `controls`."""
        return jnp.zeros(controls)

    @abc.abstractmethod
    def parameters(self, scale: float) -> dict[str, float]:
        """Deviations and coefficients by name, in physical units, given the output's `scale`."""

    def __add__(self, other: "Piece | Pieces") -> "Pieces":
        return Pieces((self,)) + other


@dataclasses.dataclass(frozen=True)
class Pieces:
    """A sum of pieces; `dl.models.LinearStateSpace.of(pieces, ds)` makes a model of it.

    Args:
        pieces: the terms, in the order in which their states stand.

    >>> from dynlearn.models import structural
    >>> structural.Trend() + structural.Seasonal(7) + structural.Noise()
    Pieces(Trend, Seasonal, Noise)
    """

    pieces: tuple[Piece, ...]

    def __add__(self, other: "Piece | Pieces") -> "Pieces":
        if not isinstance(other, Piece | Pieces):
            raise ArgumentError(
                f"structural: expected a piece such as structural.Seasonal(12) after +, got {other!r}."
            )
        return Pieces(self.pieces + (other.pieces if isinstance(other, Pieces) else (other,)))

    def __repr__(self) -> str:
        return f"Pieces({', '.join(type(piece).__name__ for piece in self.pieces)})"


def deviation(given: float | Array | None, start: float, scale: float) -> Float[Array, ""]:
    """A standard deviation in scaled units: the given one, or the start."""
    return jnp.asarray(start if given is None else given / scale)


def check_deviation(what: str, value: object) -> None:
    if value is None:
        return
    if not is_number(value) or not 0 <= value < math.inf:
        raise ArgumentError(
            f"{what}: expected a standard deviation >= 0 in the output's unit, or None to start from a usual one, "
            f"got {value!r}."
        )


def start_of(
    initial: tuple[float, float] | None, mean: float, scale: float, states: int
) -> tuple[Float[Array, " state"], Float[Array, " state"]]:
    """Mean and standard deviation of the first state, as known or diffuse; of further ones diffuse."""
    means, spread = [0.0] * states, [math.sqrt(DIFFUSE)] * states
    if initial is not None:
        means[0], spread[0] = (initial[0] - mean) / scale, initial[1] / scale
    return jnp.asarray(means), jnp.asarray(spread)
