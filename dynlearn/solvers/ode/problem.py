"""What every ODE solver is handed, and what it hands back."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from dynlearn.solvers.grid import Grid
from dynlearn.solvers.signals import AbstractSignal
from dynlearn.solvers.solution import Reason, Statistics

Field = Callable[[Float[Array, ""], PyTree, Float[Array, " control"] | None, PyTree], PyTree]
"""dx/dt = field(t, x, u, parameters)."""


class Problem(eqx.Module):
    """One trajectory to solve."""

    field: Any
    """A `Field`, or a pair of them for a separable system; what it closed over is among its leaves."""
    x0: PyTree[Array]
    grid: Grid
    control: AbstractSignal | None
    parameters: PyTree
    aligned: bool = eqx.field(static=True, default=False)
    """Whether the control's knots are the instants asked for."""
    norm: Callable[[PyTree], Array] | None = eqx.field(static=True, default=None)
    """Of the error of a step; None for the root mean square over the state."""


class Solved(eqx.Module):
    """States with the instants in front, NaN from a failure on; `Reason.code`; work done."""

    states: PyTree[Float[Array, "time ..."]]
    code: Int[Array, ""]
    statistics: Statistics


class AbstractSolver(eqx.Module):
    """Settings of a method, and how it crosses the instants of a problem."""

    adjoints: eqx.AbstractClassVar[tuple[str, ...]]
    """Names of the ways to differentiate it."""

    @abc.abstractmethod
    def converted(self, field: Any, t: Array, x: PyTree, u: Array | None, parameters: PyTree) -> Any:
        """The field, checked, with everything it closes over among its leaves."""

    @abc.abstractmethod
    def solve(self, problem: Problem, adjoint: str) -> Solved:
        """States at the instants of `problem.grid`; `adjoint` is one of `adjoints` but "continuous"."""


def finished(states: PyTree, statistics: Statistics) -> Solved:
    """What fixed steps found: NaN from the first state on that is not finite."""
    finite = [jnp.isfinite(x).reshape(x.shape[0], -1).all(1) for x in jax.tree.leaves(states)]
    lost = jnp.cumsum(~jnp.stack(finite).all(0)) > 0
    code = jnp.where(lost[-1], Reason.NOT_FINITE.code, Reason.DONE.code)
    return Solved(nan_where(lost, states), code, statistics)


def nan_where(lost: Bool[Array, "*rows"], tree: PyTree) -> PyTree:
    """NaN in the rows that are lost. Those rows take no part in a gradient."""

    def one(x):
        rows = lost.reshape(lost.shape + (1,) * (x.ndim - lost.ndim))
        return jnp.where(rows, jnp.asarray(jnp.nan, x.dtype), x)

    return jax.tree.map(one, tree)


def all_finite(tree: PyTree) -> Bool[Array, ""]:
    leaves = [jnp.isfinite(x).all() for x in jax.tree.leaves(tree) if eqx.is_inexact_array(x)]
    return jnp.stack(leaves).all() if leaves else jnp.array(True)
