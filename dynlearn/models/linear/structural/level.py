"""Level, Trend, Noise: random walks, and what is measured on top."""

from typing import Any, Self

import jax.numpy as jnp
from jaxtyping import Array

from dynlearn.contract.scaling import Fixed
from dynlearn.models.linear.structural.piece import Block, Piece, check_deviation, deviation, start_of


class Known(Fixed):
    """A start that no gradient moves."""

    mean: Array
    spread: Array


class Level(Piece):
    """A level that walks at random: mu_{k+1} = mu_k + scale w_k. With noise on top: the local level model.

    Args:
        scale: standard deviation of a step, in the output's unit: where a fit starts (0: a level that
            stays as it is, in a fit as well). None starts from a usual one.
        initial: (mean, standard deviation) of mu_0 in the output's unit; None is diffuse, a variance
            of 1e6 times that of the data.

    Raises:
        ArgumentError: a negative scale.

    Reference: Harvey, "Forecasting, structural time series models and the Kalman filter", 1989.

    >>> from dynlearn.models import structural
    >>> structural.Level(scale=0.5) + structural.Seasonal(12)
    Pieces(Level, Seasonal)
    """

    scale: Any = None
    initial: Any = None

    def __check_init__(self):
        if not isinstance(self.scale, Array):
            check_deviation("Level: scale", self.scale)

    @property
    def state_names(self) -> tuple[str, ...]:
        return ("level",)

    def scaled(self, mean: float, scale: float, controls: int) -> Self:
        start = Known(*start_of(self.initial, mean, scale, 1))
        return type(self)(deviation(self.scale, 0.3, scale), start)

    def block(self) -> Block:
        one = jnp.ones((1, 1))
        return Block(one, self.scale * one, one[0], self.initial.mean, jnp.diag(self.initial.spread))

    def parameters(self, scale: float) -> dict[str, float]:
        return {"level": abs(float(self.scale)) * scale}


class Trend(Piece):
    """A level with a slope, both walking at random: the local linear trend.

        mu_{k+1} = mu_k + nu_k + level w_k,    nu_{k+1} = nu_k + slope w'_k

    Args:
        level, slope: standard deviations of a step, in the output's unit, where a fit starts. level=0
            gives a smooth trend, slope=0 a walk with a constant drift.
        initial: (mean, standard deviation) of mu_0; None is diffuse, as the slope always is.

    Raises:
        ArgumentError: a negative deviation.

    Reference: Harvey, "Forecasting, structural time series models and the Kalman filter", 1989.

    >>> from dynlearn.models import structural
    >>> structural.Trend(level=0.0).state_names
    ('level', 'slope')
    """

    level: Any = None
    slope: Any = None
    initial: Any = None

    def __check_init__(self):
        for name in ("level", "slope"):
            if not isinstance(getattr(self, name), Array):
                check_deviation(f"Trend: {name}", getattr(self, name))

    @property
    def state_names(self) -> tuple[str, ...]:
        return "level", "slope"

    def scaled(self, mean: float, scale: float, controls: int) -> Self:
        start = Known(*start_of(self.initial, mean, scale, 2))
        return type(self)(deviation(self.level, 0.3, scale), deviation(self.slope, 0.03, scale), start)

    def block(self) -> Block:
        A = jnp.array([[1.0, 1.0], [0.0, 1.0]])
        noise = jnp.diag(jnp.stack([self.level, self.slope]))
        return Block(A, noise, jnp.array([1.0, 0.0]), self.initial.mean, jnp.diag(self.initial.spread))

    def parameters(self, scale: float) -> dict[str, float]:
        return {"level": abs(float(self.level)) * scale, "slope": abs(float(self.slope)) * scale}


class Noise(Piece):
    """What a measurement adds, on its own at every sample. Every sum has one, written or not.

    Args:
        scale: its standard deviation, in the output's unit, where a fit starts; 0: there is none.

    Raises:
        ArgumentError: a negative scale.

    >>> from dynlearn.models import structural
    >>> structural.Level() + structural.Noise(scale=0.1)
    Pieces(Level, Noise)
    """

    scale: Any = None

    def __check_init__(self):
        if not isinstance(self.scale, Array):
            check_deviation("Noise: scale", self.scale)

    @property
    def state_names(self) -> tuple[str, ...]:
        return ()

    def scaled(self, mean: float, scale: float, controls: int) -> Self:
        return type(self)(deviation(self.scale, 0.5, scale))

    def block(self) -> None:
        return None

    def parameters(self, scale: float) -> dict[str, float]:
        return {"noise": abs(float(self.scale)) * scale}
