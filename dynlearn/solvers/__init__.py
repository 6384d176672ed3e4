"""Solvers: ordinary, controlled and stochastic differential equations. They know no model and no dataset."""

from dynlearn.solvers.cde import solve_cde
from dynlearn.solvers.ode.adaptive import Adaptive
from dynlearn.solvers.ode.fixed import FixedStep
from dynlearn.solvers.ode.local_error import local_error
from dynlearn.solvers.ode.solve import solve_ode
from dynlearn.solvers.ode.symplectic import Symplectic
from dynlearn.solvers.sde.adaptive import StochasticAdaptive
from dynlearn.solvers.sde.brownian import Brownian, brownian_areas, brownian_increments
from dynlearn.solvers.sde.fixed import StochasticStep
from dynlearn.solvers.sde.solve import solve_sde
from dynlearn.solvers.signals import AbstractPath, AbstractSignal, Cubic, Held, Linear
from dynlearn.solvers.solution import Reason, Solution, Statistics

Solver = FixedStep | Adaptive

__all__ = [
    "AbstractPath",
    "AbstractSignal",
    "Adaptive",
    "Brownian",
    "Cubic",
    "FixedStep",
    "Held",
    "Linear",
    "Reason",
    "Solution",
    "Solver",
    "Statistics",
    "StochasticAdaptive",
    "StochasticStep",
    "Symplectic",
    "brownian_areas",
    "brownian_increments",
    "local_error",
    "solve_cde",
    "solve_ode",
    "solve_sde",
]
