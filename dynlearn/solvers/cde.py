"""solve_cde: differential equations driven by a path."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from dynlearn.errors import ArgumentError
from dynlearn.solvers import checks
from dynlearn.solvers.ode.adaptive import Adaptive
from dynlearn.solvers.ode.problem import AbstractSolver
from dynlearn.solvers.ode.solve import solve_ode
from dynlearn.solvers.signals import AbstractPath, Velocity
from dynlearn.solvers.solution import Solution

Matrix = Callable[[Float[Array, ""], Float[Array, " state"], PyTree], Float[Array, "state channel"]]
"""f(t, x, parameters)."""


def solve_cde(
    field: Matrix,
    x0: Float[Array, " state"],
    path: AbstractPath,
    times: Float[Array, " time"],
    *,
    parameters: PyTree = None,
    solver: AbstractSolver = Adaptive(),
    adjoint: str = "checkpointed",
) -> Solution:
    """Solve a controlled differential equation, for one trajectory.

        dx(t) = f(t, x, p) dX(t),    x(times[0]) = x0

    Solved as dx/dt = f(t, x, p) dX/dt; steps end at the knots of X. Batch with `jax.vmap`: every
    trajectory has knots and instants of its own. Time itself moves nothing unless it is a channel of X.

    Args:
        field: f, a function `(t, x, parameters)` to an array of shape `(state, channel)`.
        x0: shape `(state,)`.
        path: X, `Linear` or `Cubic`; `Linear.through(times, values)` bridges samples that are missing.
        times: as for `solve_ode`; they need not be the knots.
        parameters, solver, adjoint: as for `solve_ode`.

    Returns:
        `Solution`: states of shape `(time, state)`, row 0 being `x0`; failures as `solve_ode` says.

    Raises:
        ArgumentError: arguments, or a value of the field, of a form that cannot be solved.

    References: Kidger, Morrill, Foster, Lyons, "Neural controlled differential equations for irregular
    time series", NeurIPS 2020.

    >>> import jax.numpy as jnp
    >>> from dynlearn.solvers import Linear
    >>> t = jnp.array([0.0, 0.5, 2.0])
    >>> path = Linear.through(t, jnp.stack([jnp.array([0.0, jnp.nan, 2.0])], 1))  # X(t) = t, one sample missing
    >>> solution = solve_cde(lambda t, x, p: -x[:, None], jnp.ones(1), path, t)
    >>> jnp.allclose(solution.last, jnp.exp(-2.0), atol=1e-4)
    Array(True, dtype=bool)
    """
    checks.check_signal("path", path, AbstractPath, "Linear(times, values)")
    if jnp.ndim(x0) != 1:
        raise ArgumentError(f"x0: expected shape (state,), got {jnp.shape(x0)}; {checks.BATCH}.")
    if not checks.is_traced(path):
        _check_continuous(path)
    return solve_ode(
        _Rate(field, path.values.shape[1]),
        x0,
        times,
        control=Velocity(path),
        parameters=parameters,
        solver=solver,
        adjoint=adjoint,
    )


def _check_continuous(path: AbstractPath) -> None:
    """A jump, two values at one instant, has no dX/dt, and would be left out without a word."""
    jumps = (np.diff(path.times) == 0) & (np.diff(path.values, axis=0) != 0).any(1)
    if jumps.any():
        at = np.asarray(path.times)[:-1][jumps][0]
        raise ArgumentError(
            f"path: expected one value at each instant, got two at {at:g}; a path that drives is continuous: keep "
            f"one of them, or put them a little apart."
        )


class _Rate(eqx.Module):
    """f(t, x, p) dX/dt. The same object for the same f: another function would be compiled anew."""

    field: Matrix
    channels: int = eqx.field(static=True)

    def __call__(self, t, x, velocity, parameters):
        matrix, expected = self.field(t, x, parameters), (x.shape[0], self.channels)
        if jnp.shape(matrix) != expected:
            raise ArgumentError(
                f"field: expected a matrix of shape (state, channel) = {expected}, got {jnp.shape(matrix)}."
            )
        return matrix @ velocity
