"""Explicit Runge-Kutta steps of fixed length."""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
from jaxtyping import Array, Float, PyTree

from dynlearn.errors import check_count, check_known
from dynlearn.numerics.plain import plain
from dynlearn.solvers.checks import converted
from dynlearn.solvers.march import march
from dynlearn.solvers.ode.problem import AbstractSolver, Problem, Solved
from dynlearn.solvers.signals import Piece


@dataclasses.dataclass(frozen=True)
class Tableau:
    """Butcher tableau of an explicit method: stages k_i = f(t + c_i h, x + h sum_j a_ij k_j)."""

    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    c: tuple[float, ...]
    references: tuple[str, ...]


TABLEAUX = {
    "euler": Tableau(a=((),), b=(1.0,), c=(0.0,), references=("euler1768institutionum",)),
    "heun": Tableau(a=((), (1.0,)), b=(0.5, 0.5), c=(0.0, 1.0), references=("heun1900neue",)),
    "midpoint": Tableau(a=((), (0.5,)), b=(0.0, 1.0), c=(0.0, 0.5), references=("runge1895numerische",)),
    "rk4": Tableau(
        a=((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)),
        b=(1 / 6, 1 / 3, 1 / 3, 1 / 6),
        c=(0.0, 0.5, 0.5, 1.0),
        references=("kutta1901beitrag",),
    ),
}


class FixedStep(AbstractSolver):
    """`substeps` equal steps of an explicit Runge-Kutta method across each interval between instants.

        k_i = f(t + c_i h, x + h sum_j a_ij k_j),    x(t + h) = x + h sum_i b_i k_i

    The cheapest choice where the samples are dense relative to the dynamics: no step-size search, so a
    batch never waits for its slowest member. Knots of a control that lie between instants are landed
    on, with `substeps` steps on either side.

    Args:
        scheme: "euler" (order 1), "heun" (2), "midpoint" (2) or "rk4" (4).
        substeps: steps per interval, at least 1.

    Raises:
        ArgumentError: an unknown scheme, `substeps` below 1.

    Reference: Hairer, Nørsett, Wanner, "Solving ordinary differential equations I", 2nd ed. 1993.

    >>> import jax.numpy as jnp
    >>> from dynlearn.solvers import FixedStep, solve_ode
    >>> decay = lambda t, x, u, p: -x
    >>> solve_ode(decay, jnp.ones(1), jnp.array([0.0, 1.0]), solver=FixedStep("euler", 2)).last  # (1 - 1/2)^2
    Array([0.25], dtype=float32)
    """

    scheme: str = eqx.field(static=True, default="rk4")
    substeps: int = eqx.field(static=True, converter=plain, default=1)
    adjoints: ClassVar[tuple[str, ...]] = ("direct", "checkpointed", "continuous", "forward")

    def __check_init__(self):
        check_known("fixed-step scheme", [self.scheme], TABLEAUX)
        check_count("substeps", self.substeps, 1)

    @property
    def references(self) -> tuple[str, ...]:
        """Keys in `references.bib`, of the scheme."""
        return TABLEAUX[self.scheme].references

    def converted(self, field: Any, t: Array, x: PyTree, u: Array | None, parameters: PyTree) -> Any:
        return converted("field", field, (t, x, u, parameters), x)

    def solve(self, problem: Problem, adjoint: str) -> Solved:
        tableau = TABLEAUX[self.scheme]

        def step(field, parameters, u: Piece | None, x, t, h):
            return _step(tableau, lambda t, x: field(t, x, None if u is None else u(t), parameters), x, t, h)

        return march(problem, step, self.substeps, len(tableau.b), adjoint)


def _step(tableau: Tableau, f: Callable, x: PyTree, t: Float[Array, ""], h: Float[Array, ""]) -> PyTree:
    stages: list[PyTree] = []
    for row, c in zip(tableau.a, tableau.c, strict=True):
        stages.append(f(t + c * h, advance(x, h, row, stages)))
    return advance(x, h, tableau.b, stages)


def advance(x: PyTree, h: Float[Array, ""], weights: tuple[float, ...], stages: list[PyTree]) -> PyTree:
    """x + h sum_j w_j k_j, without the terms whose weight is zero."""
    for w, k in zip(weights, stages, strict=True):
        if w != 0.0:
            x = jax.tree.map(lambda xi, ki, w=w: xi + w * h * ki, x, k)
    return x
