r"""The continuous adjoint: gradients from a differential equation that runs backwards.

With a(t) = dL/dx(t) and g(t) the gradient by everything theta that the field depends on,

    da/dt = -a df/dx,    dg/dt = -a df/dtheta,

from the last instant to the first, where a jumps by the cotangent of the state at every instant it
passes. x is solved backwards beside them, and is set right at every instant.

References: Chen, Rubanova, Bettencourt, Duvenaud, "Neural ordinary differential equations", NeurIPS
2018; Kidger, Chen, Lyons, "'Hey, that's not an ODE': faster ODE adjoints via seminorms", ICML 2021
(the error of g, which feeds back into nothing, does not limit the steps).
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from dynlearn.numerics.precision import exact_products
from dynlearn.solvers.grid import Grid
from dynlearn.solvers.ode.problem import AbstractSolver, Problem, Solved
from dynlearn.solvers.solution import Reason


def continuous(solver: AbstractSolver, problem: Problem) -> Solved:
    """`solver.solve`, differentiable in reverse with memory for the instants and knots only."""
    edges, at = problem.grid.edges(None if problem.aligned else problem.control)
    solved = _solve((problem.field, problem.x0, edges, problem.control, problem.parameters), solver)
    if at is None:
        return solved
    return eqx.tree_at(lambda s: s.states, solved, jax.tree.map(lambda x: x[at], solved.states))


@eqx.filter_custom_vjp
def _solve(moving, solver):
    field, x0, edges, control, parameters = moving
    problem = Problem(field, x0, Grid.of(edges), control, parameters, aligned=True)
    return solver.solve(problem, "forward")


@_solve.def_fwd
@exact_products
def _forward(perturbed, moving, solver):
    del perturbed
    solved = _solve(moving, solver)
    return solved, solved


@_solve.def_bwd
@exact_products
def _backward(solved, cotangent, perturbed, moving, solver):
    del perturbed
    field, _, edges, control, parameters = moving
    ct = jax.tree.map(
        lambda x, c: jnp.zeros_like(x) if c is None else c,
        solved.states,
        cotangent.states,
        is_leaf=lambda x: x is None,
    )
    fixed, static = eqx.partition((field, parameters), eqx.is_inexact_array)
    starts, ends = edges[:-1], edges[1:]
    pieces, to_control = None, None
    if control is not None:
        pieces, to_control = eqx.filter_vjp(lambda c: c.pieces(starts, ends), control)

    def back(carry, interval):
        a, g = carry
        start, end, piece, before, x, c = interval
        a = jax.tree.map(jnp.add, a, c)
        by_end = _dot(a, _slope(fixed, piece, static, end, x))
        a, g, g_piece = _interval(solver, fixed, piece, static, start, end, x, a, g)
        by_start = -_dot(a, _slope(fixed, piece, static, start, before))
        return (a, g), (by_start, by_end, g_piece)

    # A trajectory that failed has no gradient, and none of its states is fed to the field.
    ok = solved.code == Reason.DONE.code
    states = jax.tree.map(lambda x: jnp.where(ok, x, 1), solved.states)
    before = jax.tree.map(lambda x: x[:-1], states)
    later = jax.tree.map(lambda x: x[1:], (states, ct))
    a = jax.tree.map(lambda x: jnp.zeros_like(x[0]), ct)
    zeros = jax.tree.map(jnp.zeros_like, fixed)
    carry, (by_starts, by_ends, g_pieces) = jax.lax.scan(
        back, (a, zeros), (starts, ends, pieces, before, *later), reverse=True
    )
    a, g = carry
    # An instant ends one interval and starts another, so that later states see it only where the field jumps.
    by_edges = jnp.zeros_like(edges).at[:-1].add(by_starts).at[1:].add(by_ends)
    g_field, g_parameters = g
    g_control = None if control is None else to_control(g_pieces)[0]
    a = jax.tree.map(lambda a, c: a + c[0], a, ct)
    gradient = (g_field, a, by_edges, g_control, g_parameters)
    return jax.tree.map(lambda g: jnp.where(ok, g, jnp.zeros_like(g)), gradient)


def _slope(fixed: PyTree, piece: Any, static: PyTree, t: Array, x: PyTree) -> PyTree:
    field, parameters = eqx.combine(fixed, static)
    return field(t, x, None if piece is None else piece(t), parameters)


def _interval(
    solver: AbstractSolver,
    fixed: PyTree,
    piece: Any,
    static: PyTree,
    start: Array,
    end: Array,
    x: PyTree,
    a: PyTree,
    g: PyTree,
) -> tuple[PyTree, PyTree, PyTree]:
    """(a, g) at the start of an interval, given at its end, and its part of the gradient by the control."""

    def augmented(t, state, u, theta):
        del u
        x, a, _, _ = state
        dx, pull = jax.vjp(lambda x, fixed, piece: _slope(fixed, piece, static, t, x), x, *theta)
        da, *dg = jax.tree.map(jnp.negative, pull(a))
        return dx, da, *dg

    def seminorm(error):
        return jnp.sqrt(
            sum(jnp.sum(e**2) for e in jax.tree.leaves(error[:2]))
            / sum(e.size for e in jax.tree.leaves(error[:2]))
        )

    state = (x, a, g, jax.tree.map(jnp.zeros_like, piece))
    problem = Problem(augmented, state, Grid.of(jnp.stack([end, start])), None, (fixed, piece), norm=seminorm)
    solved = solver.solve(problem, "forward")
    _, a, g, g_piece = jax.tree.map(lambda s: s[-1], solved.states)
    return a, g, g_piece


def _dot(a: PyTree, b: PyTree) -> Array:
    products = [jnp.vdot(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)]
    return jnp.stack(products).sum()
