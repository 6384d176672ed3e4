"""Fixed steps from instant to instant: one scan over the intervals."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from dynlearn.solvers.adjoints import recomputed
from dynlearn.solvers.ode.problem import Problem, Solved, finished
from dynlearn.solvers.solution import Statistics


def march(problem: Problem, step: Callable, substeps: int, stages: int, adjoint: str) -> Solved:
    """`substeps` equal steps `step(field, u, parameters, x, t, h) -> x` across each interval.

    Intervals end at the instants and, between them, at the knots of a control. `u` is a function of
    time that is smooth across the interval.
    """
    edges, at = problem.grid.edges(None if problem.aligned else problem.control)
    starts, ends = edges[:-1], edges[1:]

    def cross(x, interval, fixed):
        start, end, piece = interval
        h = (end - start) / substeps

        def one(x, i):
            return step(*fixed, piece, x, start + i * h, h), None

        if substeps == 1:
            return one(x, 0)[0]
        return jax.lax.scan(one, x, jnp.arange(substeps).astype(h.dtype))[0]

    pieces = None if problem.control is None else problem.control.pieces(starts, ends)
    cross = recomputed(cross) if adjoint == "checkpointed" else cross
    states = _scan(cross, problem.x0, (starts, ends, pieces), (problem.field, problem.parameters))
    if at is not None:
        states = jax.tree.map(lambda x: x[at], states)
    steps = (starts != ends).sum() * substeps
    return finished(states, Statistics(steps, jnp.zeros_like(steps), steps * stages))


def _scan(cross: Callable, x0: PyTree, intervals: PyTree, fixed: PyTree) -> PyTree:
    """States at all edges. A single interval is crossed without a loop, for callers that loop themselves."""

    def body(x, interval):
        x = cross(x, interval, fixed)
        return x, x

    if len(intervals[0]) == 1:
        later = jax.tree.map(lambda x: x[None], cross(x0, jax.tree.map(lambda a: a[0], intervals), fixed))
    else:
        later = jax.lax.scan(body, x0, intervals)[1]
    return jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), x0, later)
