"""Simulated systems with their truth: equations, units, and what is known in closed form.

A system is an Equinox module whose `vector_field(time, state, control)` JAX can trace, so that it
serves as a source of data (`simulate`) and as the true equations inside a model or a planner.
"""

from dynlearn.datasets.systems._excitation import Excitation
from dynlearn.datasets.systems._system import AbstractSystem
from dynlearn.datasets.systems.double_tank import DoubleTank
from dynlearn.datasets.systems.linear import Linear
from dynlearn.datasets.systems.lorenz63 import Lorenz63
from dynlearn.datasets.systems.lotka_volterra import LotkaVolterra
from dynlearn.datasets.systems.pendulum import Pendulum
from dynlearn.datasets.systems.roessler import Roessler
from dynlearn.datasets.systems.van_der_pol import VanDerPol

__all__ = [
    "AbstractSystem",
    "DoubleTank",
    "Excitation",
    "Linear",
    "Lorenz63",
    "LotkaVolterra",
    "Pendulum",
    "Roessler",
    "VanDerPol",
]
