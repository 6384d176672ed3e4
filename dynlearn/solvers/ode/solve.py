"""solve_ode: one call for ordinary differential equations."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from dynlearn.errors import ArgumentError
from dynlearn.numerics.precision import compiled, exact_products
from dynlearn.solvers import checks
from dynlearn.solvers.adjoints import check_adjoint, forward_mode_refused
from dynlearn.solvers.continuous import continuous
from dynlearn.solvers.grid import Grid
from dynlearn.solvers.ode.adaptive import Adaptive
from dynlearn.solvers.ode.problem import AbstractSolver, Field, Problem, Solved, nan_where
from dynlearn.solvers.signals import AbstractSignal
from dynlearn.solvers.solution import Reason, Solution


def solve_ode(
    field: Field | tuple[Field, Field],
    x0: PyTree[Array],
    times: Float[Array, " time"],
    *,
    control: AbstractSignal | None = None,
    parameters: PyTree = None,
    solver: AbstractSolver = Adaptive(),
    adjoint: str = "checkpointed",
) -> Solution:
    """Solve an ordinary differential equation, driven or not, for one trajectory.

        dx/dt = f(t, x, u(t), p),    x(times[0]) = x0

    Batch with `jax.vmap` over `x0`, `times`, `control` and `parameters`: every trajectory has its own.
    Called outside `jax.jit`, it compiles itself, once for a field and shapes; a lambda written anew
    for every call is a new field.

    Args:
        field: f, a function `(t, x, u, parameters) -> dx/dt` that looks like x; `u` has shape
            `(channel,)`, and is None without a control. For `Symplectic`, a pair of functions.
        x0: a tree of arrays of one floating-point type, in which all is computed.
        times: instants to solve for, shape `(time,)`, the first that of `x0`; increasing or decreasing
            (then backwards in time), equal ones allowed. NaN after the end of a shorter trajectory.
        control: u, `Held`, `Linear` or `Cubic`. Steps end at its knots. Knots that are the very array
            given as `times` are the cheapest.
        parameters: p, any tree, handed on to the field.
        solver: `Adaptive(...)`, `FixedStep(...)` or `Symplectic(...)`.
        adjoint: "checkpointed", "direct", "continuous" or "forward"; see `dynlearn.solvers.adjoints`.

    Returns:
        `Solution`: states of shape `(time, ...)`, row 0 being `x0`. A solve that fails is NaN from
        there on, and its `code` says why; `solution.check()` turns that into a `DivergedError`.

    Raises:
        ArgumentError: an argument, or the value of the field, has a form that cannot be solved.

    Reference: Kidger, "On neural differential equations", PhD thesis, Oxford, 2022 (chapter 5).

    Two oscillators of different stiffness, each with instants and a force of its own, the second one
    shorter:

    >>> import jax, jax.numpy as jnp
    >>> from dynlearn.solvers import Held, solve_ode
    >>> def oscillator(t, x, u, stiffness):
    ...     return jnp.stack([x[1], u[0] - stiffness * x[0]])
    >>> def solve(x0, times, force, stiffness):
    ...     return solve_ode(oscillator, x0, times, control=Held(times, force), parameters=stiffness)
    >>> x0 = jnp.array([[1.0, 0.0], [0.0, 1.0]])
    >>> times = jnp.array([[0.0, 0.5, 2.0, 3.0], [1.0, 1.5, 2.0, jnp.nan]])
    >>> force = jnp.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, jnp.nan]])[..., None]
    >>> solution = jax.vmap(solve)(x0, times, force, jnp.array([1.0, 4.0]))
    >>> solution.states.shape
    (2, 4, 2)
    >>> solution.states[0, 2, 0].round(3), jnp.cos(2 * x0[0, 0]).round(3)  # no force until then
    (Array(-0.416, dtype=float32), Array(-0.416, dtype=float32))
    >>> solution.valid[1]
    Array([ True,  True,  True, False], dtype=bool)
    >>> [reason.name for reason in solution.reasons()]
    ['DONE', 'DONE']
    """
    if not isinstance(solver, AbstractSolver):
        raise ArgumentError(
            f"solver: expected dl.solvers.Adaptive(...), FixedStep(...) or Symplectic(...), got {solver!r}."
        )
    check_adjoint(adjoint, solver)
    x0, dtype = checks.as_state(x0)
    if control is not None:
        checks.check_signal("control", control)
    aligned = checks.is_aligned(control, times)
    control = jax.tree.map(lambda a: jnp.asarray(a, dtype), control)
    # A number is a value like any other, not a part of the program.
    parameters = jax.tree.map(_typed, parameters)
    arrays = (field, x0, checks.as_times(times, dtype), control, parameters)
    if not checks.is_traced(arrays):
        return _compiled(*arrays, aligned, solver, adjoint)
    with forward_mode_refused(adjoint):
        return _solve(*arrays, aligned, solver, adjoint)


def _typed(leaf: Any) -> Any:
    """A number as an array of a type of its own: a weak type, as of 0.7, would change on the way."""
    if isinstance(leaf, float) or eqx.is_inexact_array(leaf):
        return jax.lax.convert_element_type(leaf, jnp.result_type(leaf))
    return leaf


@exact_products
def _solve(
    field: Any,
    x0: PyTree[Array],
    times: Float[Array, " time"],
    control: AbstractSignal | None,
    parameters: PyTree,
    aligned: bool,
    solver: AbstractSolver,
    adjoint: str,
) -> Solution:
    grid = Grid.of(times)
    if control is not None:
        grid = eqx.tree_at(lambda g: g.monotone, grid, grid.monotone & checks.knots_rise(control))
    u = None if control is None else control(grid.times[0])
    field = solver.converted(field, grid.times[0], x0, u, parameters)
    problem = Problem(field, x0, grid.standing(), control, parameters, aligned)
    solved = continuous(solver, problem) if adjoint == "continuous" else solver.solve(problem, adjoint)
    solved = _checked(solved, grid)
    code, statistics = jax.tree.map(lambda n: jnp.asarray(n, jnp.int32), (solved.code, solved.statistics))
    return Solution(grid.times, solved.states, grid.valid, code, statistics)


def _checked(solved: Solved, grid: Grid) -> Solved:
    """Instants that go to and fro have no solution; what was computed for them is thrown away."""
    if grid.times.shape[0] == 1:
        return solved
    lost = jnp.arange(grid.times.shape[0]) > 0
    states = nan_where(lost & ~grid.monotone, solved.states)
    code = jnp.where(grid.monotone, solved.code, Reason.BAD_TIMES.code)
    return Solved(states, code, solved.statistics)


_compiled = compiled(_solve)
