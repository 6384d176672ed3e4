"""solve_sde: one call for stochastic differential equations."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, PyTree

from dynlearn.errors import ArgumentError
from dynlearn.numerics.keys import as_key
from dynlearn.numerics.precision import compiled, exact_products
from dynlearn.solvers import checks
from dynlearn.solvers.grid import Grid
from dynlearn.solvers.ode.problem import Solved
from dynlearn.solvers.sde._noise import check_noise, check_value, depends_on_state, size_of
from dynlearn.solvers.sde._problem import AbstractStochasticSolver, Diffusion, Drift, StochasticProblem
from dynlearn.solvers.sde.fixed import StochasticStep
from dynlearn.solvers.signals import AbstractSignal
from dynlearn.solvers.solution import Reason, Solution


def solve_sde(
    drift: Drift,
    diffusion: Diffusion,
    x0: Float[Array, " state"],
    times: Float[Array, " time"],
    *,
    key: int | Key[Array, ""],
    noise: str = "diagonal",
    calculus: str = "ito",
    control: AbstractSignal | None = None,
    parameters: PyTree = None,
    solver: AbstractStochasticSolver = StochasticStep(),
    noise_size: int | None = None,
) -> Solution:
    r"""One path of dx = f(t, x, u(t), parameters) dt + g(t, x, u(t), parameters) dW, x(times[0]) = x0.

    For many paths, `jax.vmap` over whatever differs: x0, times, control, parameters, key.

    Args:
        drift: f, returns shape `(state,)`.
        diffusion: g, per square root of time; its shape goes with `noise`.
        x0: shape `(state,)`.
        times: increasing, shape `(time,)`; NaN after the end is padding, and an interval of no
            length changes nothing.
        key: an int or a JAX key; the path.
        noise: "diagonal": one Brownian motion per state, g of shape `(state,)`; "scalar": one for
            all, `(state,)`; "general": `(state, noise)`; "additive": the same, not depending on x.
        calculus: "ito" or "stratonovich", the meaning of the equation above. A scheme that works
            in the other one is handed the drift that makes the process the same.
        control: u, whose knots are landed on; None for u = None.
        parameters: any pytree.
        solver: `StochasticStep(scheme, substeps)`, or `StochasticAdaptive(scheme, rtol, atol)`.
        noise_size: the number of Brownian motions; read off the diffusion if not given.

    Returns:
        `Solution`. Gradients are those along the path: the key fixes the Brownian motion, and the
        states are differentiated with respect to x0, parameters, control and times.

    Raises:
        ArgumentError: for an unknown option, for shapes that do not fit, and for a scheme that
            cannot integrate the kind of noise.

    On a fixed grid the increments over `times` depend on key and times alone, neither on substeps
    nor on a control's knots, and further instants at the end leave the path before them as it was:
    see `brownian_increments`. Inside an interval the path for 2n substeps refines the one for n,
    with the same knots. "sra1" draws a different path inside; adaptive solves draw another one
    altogether.

    Reference: Kloeden, Platen, "Numerical Solution of Stochastic Differential Equations", 1992.

    >>> import jax, jax.numpy as jnp
    >>> def decay(t, x, u, rate):
    ...     return -rate * x
    >>> def constant(t, x, u, rate):
    ...     return 0.5 * jnp.ones_like(x)
    >>> def last(key):
    ...     times = jnp.linspace(0.0, 3.0, 61)
    ...     return solve_sde(decay, constant, jnp.ones(1), times, key=key, parameters=2.0).last
    >>> x = jax.vmap(last)(jax.random.split(jax.random.key(0), 2000))
    >>> x.shape
    (2000, 1)
    >>> bool(abs(x.std() - 0.25) < 0.02)  # stationary: 0.5 / sqrt(2 rate)
    True
    """
    check_noise(noise, calculus, noise_size)
    if not isinstance(solver, AbstractStochasticSolver):
        raise ArgumentError(
            f"solver: expected dl.solvers.StochasticStep(...) or StochasticAdaptive(...), got {solver!r}."
        )
    if np.ndim(x0) != 1 or not np.size(x0):
        raise ArgumentError(f"x0: expected shape (state,), got {np.shape(x0)}; {checks.BATCH}.")
    x0, dtype = checks.as_state(jnp.array(x0))
    if control is not None:
        checks.check_signal("control", control)
    aligned = checks.is_aligned(control, times)
    arrays = (drift, diffusion, x0, checks.as_times(times, dtype), control, parameters, as_key(key))
    traced = checks.is_traced(arrays)
    if not traced:
        _check_increasing(arrays[3])
    return (_solve if traced else _compiled)(*arrays, aligned, noise, calculus, solver, noise_size)


@exact_products
def _solve(
    drift: Any,
    diffusion: Any,
    x0: Float[Array, " state"],
    times: Float[Array, " time"],
    control: AbstractSignal | None,
    parameters: PyTree,
    key: Key[Array, ""],
    aligned: bool,
    noise: str,
    calculus: str,
    solver: AbstractStochasticSolver,
    noise_size: int | None,
) -> Solution:
    grid = Grid.of(times)
    t, u = grid.times[0], None if control is None else control(grid.times[0])
    check_value("drift", drift, (t, x0, u, parameters), lambda shape: shape == x0.shape, f"{x0.shape}")
    size = size_of(noise, diffusion, (t, x0, u, parameters), noise_size)
    state_dependent = depends_on_state(lambda x: diffusion(t, x, u, parameters), x0)
    if noise == "additive" and state_dependent:
        raise ArgumentError(
            "diffusion: expected one that does not depend on the state x for noise='additive', this one is computed "
            "from x; pass noise='general'."
        )
    solver.check(noise, state_dependent)
    # Nothing is followed through instants that fall: the solve stands at the first one, and says so below.
    rising = (jnp.diff(grid.times) >= 0).all()
    standing = Grid(jnp.where(rising, grid.times, grid.times[0]), grid.valid, rising)
    problem = StochasticProblem(
        drift, diffusion, x0, standing, control, parameters, key, noise, calculus, size, aligned
    )
    solved = _checked(solver.solve(problem), rising)
    return Solution(grid.times, solved.states, grid.valid, solved.code, solved.statistics)


_compiled = compiled(_solve)


def _checked(solved: Solved, rising: Array) -> Solved:
    lost = (jnp.arange(len(solved.states)) > 0) & ~rising
    states = jnp.where(lost[:, None], jnp.nan, solved.states)
    return Solved(states, jnp.where(rising, solved.code, Reason.BAD_TIMES.code), solved.statistics)


def _check_increasing(times: Array) -> None:
    """Where the values are known already; in a compiled program a solve fails instead (`Reason.BAD_TIMES`)."""
    known = np.asarray(times)
    falls = np.flatnonzero(np.diff(known) < 0)
    if falls.size:
        i = int(falls[0])
        raise ArgumentError(
            f"times: expected increasing instants, got {known[i]:g} and then {known[i + 1]:g} (index {i + 1}); a "
            f"stochastic equation is not solved backwards in time."
        )
