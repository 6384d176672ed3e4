"""Seasonal: a pattern that repeats and slowly changes."""

from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from dynlearn.errors import ArgumentError, check_count, check_known
from dynlearn.models.linear.structural.level import Known
from dynlearn.models.linear.structural.piece import Block, Piece, check_deviation, deviation, start_of
from dynlearn.numerics.plain import plain

KINDS = ("dummy", "trigonometric")


class Seasonal(Piece):
    """A pattern of `period` samples that sums to zero up to noise, diffuse at the start.

        dummy:          s_{k+1} = -s_k - ... - s_{k-period+2} + scale w_k
        trigonometric:  one rotation by 2 pi j / period per harmonic j, each disturbed by scale w_k

    Args:
        period: samples per season, >= 2.
        kind: "dummy" or "trigonometric".
        harmonics: of the trigonometric kind, all period // 2 unless given.
        scale: standard deviation of a disturbance, in the output's unit, where a fit starts (0: a
            pattern that never changes).
        initial: left out; `scaled` fills in the diffuse start.

    Raises:
        ArgumentError: a period below 2, an unknown kind, harmonics of the dummy kind or too many of them.

    Reference: Harvey, "Forecasting, structural time series models and the Kalman filter", 1989, section 2.3.

    >>> from dynlearn.models import structural
    >>> structural.Seasonal(4).state_names
    ('season 4.0', 'season 4.1', 'season 4.2')
    """

    period: int = eqx.field(static=True, converter=plain)
    kind: str = eqx.field(static=True, default="dummy")
    harmonics: int | None = eqx.field(static=True, converter=plain, default=None)
    scale: Any = None
    initial: Any = None

    def __check_init__(self):
        check_count("Seasonal: period", self.period, 2)
        check_known("kind of season", [self.kind], KINDS)
        if self.harmonics is not None:
            check_count("Seasonal: harmonics", self.harmonics, 1)
            if self.kind == "dummy" or self.harmonics > self.period // 2:
                raise ArgumentError(
                    f"Seasonal: expected harmonics <= {self.period // 2} with kind='trigonometric', got "
                    f"{self.harmonics} with kind={self.kind!r}."
                )
        if not isinstance(self.scale, Array):
            check_deviation("Seasonal: scale", self.scale)

    @property
    def state_names(self) -> tuple[str, ...]:
        return tuple(f"season {self.period}.{i}" for i in range(len(self._rows()[0])))

    def scaled(self, mean: float, scale: float, controls: int) -> Self:
        start = Known(*start_of(None, mean, scale, len(self._rows()[0])))
        return type(self)(self.period, self.kind, self.harmonics, deviation(self.scale, 0.1, scale), start)

    def block(self) -> Block:
        A, row, moved = self._rows()
        noise = self.scale * jnp.diag(jnp.asarray(moved))
        return Block(
            jnp.asarray(A), noise, jnp.asarray(row), self.initial.mean, jnp.diag(self.initial.spread)
        )

    def _rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Transition, part in the output, and which states are disturbed."""
        if self.kind == "dummy":
            n = self.period - 1
            A = np.eye(n, k=-1)
            A[0] = -1.0
            return A, np.eye(n)[0], np.eye(n)[0]
        count = self.period // 2 if self.harmonics is None else self.harmonics
        n = 2 * count - (2 * count == self.period)  # the last harmonic of an even period has no sine
        A, row = np.zeros((2 * count, 2 * count)), np.zeros(2 * count)
        for j in range(count):
            c, s = (f(2 * np.pi * (j + 1) / self.period) for f in (np.cos, np.sin))
            A[2 * j : 2 * j + 2, 2 * j : 2 * j + 2] = [[c, s], [-s, c]]
            row[2 * j] = 1.0
        return A[:n, :n], row[:n], np.ones(n)

    def parameters(self, scale: float) -> dict[str, float]:
        return {f"season {self.period}": abs(float(self.scale)) * scale}
