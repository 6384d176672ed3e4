"""What every SDE solver is handed, and the calculus it is rewritten in."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, Key, PyTree

from dynlearn.solvers.grid import Grid
from dynlearn.solvers.ode.problem import Solved
from dynlearn.solvers.sde._noise import Sigma, State, transported
from dynlearn.solvers.signals import AbstractSignal

Time = Float[Array, ""]
Control = Float[Array, " control"] | None
Drift = Callable[[Time, State, Control, PyTree], State]
"""f(t, x, u, parameters)."""
Diffusion = Callable[[Time, State, Control, PyTree], Sigma]
"""g(t, x, u, parameters)."""


class StochasticProblem(eqx.Module):
    """One trajectory along one Brownian path."""

    drift: Any
    diffusion: Any
    x0: State
    grid: Grid
    control: AbstractSignal | None
    parameters: PyTree
    key: Key[Array, ""]
    noise: str = eqx.field(static=True)
    calculus: str = eqx.field(static=True)
    noise_size: int = eqx.field(static=True)
    aligned: bool = eqx.field(static=True)
    """Whether the control's knots are the instants asked for."""

    def coefficients(
        self, control: Callable[[Time], Array] | None, calculus: str
    ) -> tuple[Callable[[Time, State], State], Callable[[Time, State], Sigma]]:
        """f(t, x) and g(t, x) along a control, of the same process written in another calculus."""

        def u(t):
            return None if control is None else control(t)

        def f(t, x):
            return self.drift(t, x, u(t), self.parameters)

        def g(t, x):
            return self.diffusion(t, x, u(t), self.parameters)

        if calculus == self.calculus or self.noise == "additive":
            return f, g
        # f_ito = f_stratonovich + 1/2 sum_j (dg_j/dx) g_j
        half = 0.5 if calculus == "ito" else -0.5
        return lambda t, x: f(t, x) + half * transported(self.noise, lambda x: g(t, x), x), g


class AbstractStochasticSolver(eqx.Module):
    """Settings of a method, and how it follows a path across the instants of a problem."""

    @abc.abstractmethod
    def check(self, noise: str, state_dependent: bool) -> None:
        """Raise `ArgumentError` unless the method can integrate noise of the kind `noise`.

        `state_dependent`: whether the diffusion depends on the state.
        """

    @abc.abstractmethod
    def solve(self, problem: StochasticProblem) -> Solved:
        """The states at the instants of `problem`, and what it took."""
