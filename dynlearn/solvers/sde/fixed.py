"""Fixed steps along a Brownian path that was drawn beforehand: one scan."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.errors import check_count, check_known
from dynlearn.numerics.plain import plain
from dynlearn.references import keys_of
from dynlearn.solvers.ode.problem import Solved
from dynlearn.solvers.sde._bridge import Cells, drawn, refined, through_knots
from dynlearn.solvers.sde._noise import State, check_possible
from dynlearn.solvers.sde._problem import AbstractStochasticSolver, StochasticProblem
from dynlearn.solvers.sde._schemes import SCHEMES, Scheme, Terms
from dynlearn.solvers.sde.brownian import Brownian, as_brownian
from dynlearn.solvers.solution import Reason, Statistics


class StochasticStep(AbstractStochasticSolver):
    """`substeps` equal steps of a scheme across each interval between instants and control knots.

    | scheme | works in | noise | strong order | evaluations |
    |---|---|---|---|---|
    | "euler_maruyama" | Itô | any | 1/2, additive 1 | 1 |
    | "milstein" | both | additive, diagonal, scalar | 1 | 1, and a derivative of the diffusion |
    | "heun" | Stratonovich | any | 1, general 1/2 | 2 |
    | "sra1" | both | any that does not depend on the state | 3/2 | 2 |

    An SDE written in the other calculus gets the drift that makes it the same process, by
    automatic differentiation. Diagonal noise is of order 1 where each entry depends on its own
    state alone; entries that depend on other states do not commute, and count as general.

    Args:
        scheme: one of the table.
        substeps: steps per interval, at least 1.

    Raises:
        ArgumentError: an unknown scheme, `substeps` below 1; from `solve_sde` for noise that the scheme cannot
            integrate.

    References: Kloeden, Platen, "Numerical solution of stochastic differential equations", 1992; Rößler, "Runge-Kutta
    methods for the strong approximation of solutions of stochastic differential equations", SIAM J. Numer. Anal. 2010
    ("sra1").

    >>> import jax.numpy as jnp
    >>> from dynlearn.solvers import StochasticStep, solve_sde
    >>> drift, diffusion = (lambda t, x, u, p: -x), (lambda t, x, u, p: 0.0 * x)
    >>> solver = StochasticStep("euler_maruyama", substeps=2)
    >>> solve_sde(drift, diffusion, jnp.ones(1), jnp.array([0.0, 1.0]), key=0, solver=solver).last  # (1 - 1/2)^2
    Array([0.25], dtype=float32)
    """

    scheme: str = eqx.field(static=True, default="euler_maruyama")
    substeps: int = eqx.field(static=True, converter=plain, default=1)

    def __check_init__(self):
        check_known("stochastic scheme", [self.scheme], SCHEMES)
        check_count("substeps", self.substeps, 1)

    @property
    def references(self) -> tuple[str, ...]:
        """Keys in `references.bib`, of the scheme and of the path."""
        return ("kloeden1992numerical", *keys_of(SCHEMES[self.scheme].step))

    def check(self, noise: str, state_dependent: bool) -> None:
        check_possible(SCHEMES, self.scheme, noise, state_dependent)

    def solve(self, problem: StochasticProblem) -> Solved:
        scheme = SCHEMES[self.scheme]
        alone = problem.aligned or len(problem.grid.times) == 1
        edges, at = problem.grid.edges(None if alone else problem.control)
        states = _followed(problem, scheme, self.substeps, edges, at is not None)
        steps = (jnp.diff(edges) != 0).sum() * self.substeps
        statistics = Statistics(steps, jnp.zeros_like(steps), steps * scheme.evaluations)
        states = states if at is None else states[at]
        # Every scheme adds to the state: once it has left the finite numbers, it does not return.
        lost = ~jnp.isfinite(states).all(1)
        code = jnp.where(lost[-1], Reason.NOT_FINITE.code, Reason.DONE.code)
        return Solved(jnp.where(lost[:, None], jnp.nan, states), code, statistics)


def _followed(
    problem: StochasticProblem, scheme: Scheme, substeps: int, edges: Float[Array, " edge"], knots: bool
) -> Float[Array, "edge state"]:
    """States at the edges."""
    starts, ends = edges[:-1], edges[1:]
    path = _path(problem, edges, knots, substeps, scheme.levy)
    calculus = scheme.calculus or problem.calculus

    def cross(x: State, interval) -> tuple[State, State]:
        start, length, piece, path = interval
        h = length / substeps
        sde = Terms(*problem.coefficients(piece, calculus), problem.noise, calculus)

        # A gradient keeps the state of each step and computes the rest again: its memory is that of the noise, and
        # it is faster than reading the rest back, for networks of up to 256 units at least (`sde_step`).
        @partial(jax.checkpoint, prevent_cse=False)
        def one(x, step):
            i, W, H = step
            return scheme.step(sde, x, start + i * h, h, W, H), None

        steps = (jnp.arange(substeps, dtype=x.dtype), path.W, path.H)
        if substeps == 1:
            x, _ = one(x, jax.tree.map(lambda a: a[0], steps))
        else:
            x, _ = jax.lax.scan(one, x, steps)
        return x, x

    control = problem.control
    pieces = None if control is None else control.pieces(starts, ends)
    intervals = (starts, ends - starts, pieces, path)
    later = jax.lax.scan(cross, problem.x0, intervals)[1]
    return jnp.concatenate([problem.x0[None], later])


def _path(problem: StochasticProblem, edges: Array, knots: bool, substeps: int, levy: bool) -> Brownian:
    times = problem.grid.times
    path = drawn(problem.key, jnp.diff(times), problem.noise_size, levy=levy)
    cells = Cells.between(edges, times) if knots else Cells.whole(jnp.diff(times))
    if knots:
        path = through_knots(path, problem.key, times, cells)
    return as_brownian(refined(path, problem.key, cells, substeps))
