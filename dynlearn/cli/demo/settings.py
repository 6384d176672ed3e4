"""What the demo does, in numbers: the one place to change it.

A model's settings are those of `dynlearn fit --set`, a method's those of `--method-set`.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Family:
    """A model and how it is fitted."""

    model: str
    settings: Mapping[str, Any]
    method: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Measured:
    """A measured series and the families fitted to it."""

    series: str
    families: tuple[Family, ...]
    context: int
    """Samples seen before each forecast."""
    horizon: int
    """Samples forecast."""
    split: tuple[float, float] = (0.6, 0.2)
    samples: int = 200
    until: int | None = None
    """Use the first samples only."""


@dataclasses.dataclass(frozen=True)
class Pendulum:
    """Pendulum-v1: what is collected, fitted, planned and tried."""

    episodes: int = 25
    """Of 200 random transitions each."""
    validation: int = 5
    """The last ones; they choose the best weights and set the width of the intervals."""
    members: int = 3
    family: Family = Family(
        "NeuralODE",
        {"hidden": 0, "memory": 1, "width": 32, "depth": 2},
        {"steps": 2000, "horizon": 8, "batch": 128, "learning_rate": 5e-3, "validate_every": 250},
    )
    horizon: int = 20
    planner: Mapping[str, int] = dataclasses.field(
        default_factory=lambda: {"samples": 64, "elites": 8, "iterations": 2}
    )
    evaluations: int = 20
    first_seed: int = 2000
    """Evaluation episode i is reset with first_seed + i; the data are from another seed."""
    max_steps: int | None = None
    """Cut every episode there."""
    target: float = -200.0
    """A mean return that counts as solved."""


@dataclasses.dataclass(frozen=True)
class Settings:
    measured: tuple[Measured, ...]
    pendulum: Pendulum
    key: int = 0


LASER = Measured(
    "laser",
    (
        Family(
            "NeuralODE",
            {"hidden": 3, "memory": 32, "width": 64},
            {"steps": 3000, "horizon": 50, "batch": 64, "learning_rate": 5e-3},
        ),
        Family(
            "Koopman",
            {"lifting": "fourier", "lifting.count": 400, "lifting.delays": 16, "lifting.bandwidth": 0.5},
        ),
    ),
    context=32,
    horizon=50,
    until=3000,
)

FULL = Settings((LASER,), Pendulum())

QUICK = Settings(
    (
        Measured(
            "laser",
            (
                Family(
                    "NeuralODE",
                    {"hidden": 1, "memory": 5, "width": 8},
                    {"steps": 20, "horizon": 5, "batch": 8, "validate_every": 10},
                ),
                Family("Koopman", {"lifting": "delays", "lifting.delays": 5}),
            ),
            context=30,
            horizon=10,
            samples=20,
            until=800,
        ),
    ),
    Pendulum(
        episodes=4,
        validation=1,
        members=2,
        family=Family(
            "NeuralODE",
            {"hidden": 0, "memory": 1, "width": 8, "depth": 1, "solver": "euler"},
            {"steps": 40, "horizon": 3, "batch": 16, "validate_every": 20},
        ),
        horizon=5,
        planner={"samples": 32, "iterations": 1},
        evaluations=2,
        max_steps=20,
    ),
)
