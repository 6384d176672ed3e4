"""Stochastic steps under error control, by diffrax, along a virtual Brownian tree."""

import dataclasses
from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.errors import ArgumentError, check_count, check_known, is_number
from dynlearn.numerics.plain import plain
from dynlearn.solvers.ode.problem import Solved
from dynlearn.solvers.sde._noise import Sigma, check_possible
from dynlearn.solvers.sde._problem import AbstractStochasticSolver, StochasticProblem
from dynlearn.solvers.signals import Held
from dynlearn.solvers.solution import Reason, Statistics

REJECTED = 64
"""Rejected instants that are remembered. Where noise does not commute, a path must be met again at those."""
FIRST = 1 / 128
"""Of the time span: the first step tried."""


@dataclasses.dataclass(frozen=True)
class AdaptiveScheme:
    solver: Callable[[], Any]
    evaluations: int
    """Stages per step."""
    error_order: float
    """Strong order of the scheme and the one it is compared with, plus 1/2."""
    references: tuple[str, ...]
    only_additive: bool = False
    noises: tuple[str, ...] = ("additive", "diagonal", "scalar", "general")


SCHEMES = {
    "spark": AdaptiveScheme(diffrax.SPaRK, 3, 1.0, ("foster2023convergence",)),
    "general_shark": AdaptiveScheme(
        lambda: diffrax.HalfSolver(diffrax.GeneralShARK()), 9, 1.0, ("foster2022high",)
    ),
    "slow_rk": AdaptiveScheme(lambda: diffrax.HalfSolver(diffrax.SlowRK()), 21, 2.0, ("foster2022high",)),
    "heun": AdaptiveScheme(diffrax.Heun, 2, 1.0, ("rumelin1982numerical",)),
    "shark": AdaptiveScheme(diffrax.ShARK, 2, 2.0, ("foster2022high",), only_additive=True),
    "sra1": AdaptiveScheme(diffrax.SRA1, 2, 2.0, ("rossler2010runge",), only_additive=True),
}


class StochasticAdaptive(AbstractStochasticSolver):
    """Steps whose error along the path is kept below `atol + rtol |x|`.

    "spark" for any noise; "slow_rk" where it commutes (order 3/2 then); "general_shark", "heun" for
    any; "shark", "sra1" (order 3/2) where the diffusion does not depend on the state. All work in
    Stratonovich's sense: an equation in Itô's gets the drift that makes it the same process. Steps
    end at the instants, and at a control's knots. Gradients are by reverse mode, not with respect to
    times.

    A fixed grid is many times faster, above all for many paths at once; adaptive steps pay where a
    path is calm for long and wild at times.

    Args:
        scheme: one of those above.
        rtol, atol: relative and absolute tolerance (in units of the state) of one step.
        max_steps: steps in all, rejected ones included. A solve that needs more is NaN from where it
            stopped.
        smallest: of the time span; shorter steps are not made, and what such a step finds is taken
            whatever its error.

    Raises:
        ArgumentError: an unknown scheme, a tolerance that is not above 0; from `solve_sde` for noise that the scheme
            cannot integrate.

    References: Foster, Jelinčič, "On the convergence of adaptive approximations for stochastic
    differential equations", arXiv:2311.14201; Jelinčič, Foster, Kidger, "Single-seed generation of
    Brownian paths and integrals for adaptive and high order SDE solvers", arXiv:2405.06464.

    >>> import jax.numpy as jnp
    >>> from dynlearn.solvers import StochasticAdaptive, solve_sde
    >>> drift, diffusion = (lambda t, x, u, p: -x), (lambda t, x, u, p: 0.0 * x)
    >>> solver = StochasticAdaptive("heun", rtol=1e-3)
    >>> x = solve_sde(drift, diffusion, jnp.ones(1), jnp.array([0.0, 1.0]), key=0, solver=solver).last
    >>> bool(abs(x[0] - jnp.exp(-1.0)) < 1e-2)  # without noise: the decay
    True
    """

    scheme: str = eqx.field(static=True, default="spark")
    rtol: float = eqx.field(static=True, converter=plain, default=1e-3)
    atol: float = eqx.field(static=True, converter=plain, default=1e-3)
    max_steps: int = eqx.field(static=True, converter=plain, default=4096)
    smallest: float = eqx.field(static=True, converter=plain, default=2.0**-14)

    def __check_init__(self):
        check_known("adaptive stochastic scheme", [self.scheme], SCHEMES)
        check_count("max_steps", self.max_steps, 1)
        for name, value in (("rtol", self.rtol), ("atol", self.atol), ("smallest", self.smallest)):
            if not is_number(value) or not value > 0:
                raise ArgumentError(f"{name}: expected a number > 0, got {value!r}.")

    @property
    def references(self) -> tuple[str, ...]:
        """Of the scheme, of its error control, of the virtual Brownian tree, and of diffrax."""
        shared = ("foster2023convergence", "jelincic2024single", "kidger2021neural")
        return (*SCHEMES[self.scheme].references, *shared)

    def check(self, noise: str, state_dependent: bool) -> None:
        check_possible(SCHEMES, self.scheme, noise, state_dependent)

    def solve(self, problem: StochasticProblem) -> Solved:
        times = problem.grid.times
        span = times[-1] - times[0]
        # A tree must have a length, also where there is nothing to solve.
        smallest = jnp.where(span > 0, span, 1) * self.smallest
        scheme = SCHEMES[self.scheme]
        solution = diffrax.diffeqsolve(
            _terms(problem, smallest),
            scheme.solver(),
            t0=times[0],
            t1=times[-1],
            dt0=span * max(FIRST, self.smallest),
            y0=problem.x0,
            saveat=diffrax.SaveAt(ts=times),
            stepsize_controller=self._controller(problem, smallest, scheme),
            max_steps=self.max_steps,
            throw=False,
        )
        steps, rejected = solution.stats["num_steps"], solution.stats["num_rejected_steps"]
        statistics = Statistics(steps, rejected, steps * scheme.evaluations)
        return _finished(jnp.isfinite(solution.ts), solution.ys, statistics)

    def _controller(self, problem: StochasticProblem, smallest: Array, scheme: AdaptiveScheme) -> Any:
        """PI control (the rejected steps of a path say more about it than its last one alone)."""
        controller = diffrax.PIDController(
            rtol=self.rtol,
            atol=self.atol,
            pcoeff=0.1,
            icoeff=0.3,
            dtmin=smallest,
            error_order=scheme.error_order,
        )
        times, knots = problem.grid.times, None
        if problem.control is not None and not problem.aligned:
            knots = problem.control.times
            knots = jnp.where(jnp.isfinite(knots), knots, times[-1]).astype(times.dtype)
        elif problem.control is not None:
            knots = times
        held = isinstance(problem.control, Held)
        stops = times if knots is None or held else jnp.concatenate([times, knots])
        commutes = problem.noise in ("additive", "scalar")
        return diffrax.ClipStepSizeController(
            controller,
            step_ts=stops,
            jump_ts=knots if held else None,
            store_rejected_steps=None if commutes else REJECTED,
        )


def _terms(problem: StochasticProblem, smallest: Float[Array, ""]) -> diffrax.MultiTerm:
    f, g = problem.coefficients(problem.control, "stratonovich")

    def drift(t: Any, x: Any, args: Any) -> Any:
        return f(t, x)

    def diffusion(t: Any, x: Any, args: Any) -> Any:
        return _matrix(problem.noise, g(t, x))

    times = problem.grid.times
    tree = diffrax.VirtualBrownianTree(
        times[0],
        jnp.where(times[-1] > times[0], times[-1], times[0] + 1),
        tol=smallest / 2,
        shape=jax.ShapeDtypeStruct((problem.noise_size,), problem.x0.dtype),
        key=problem.key,
        levy_area=diffrax.SpaceTimeLevyArea,
    )
    return diffrax.MultiTerm(
        diffrax.ODETerm(drift),
        diffrax.ControlTerm(diffusion, tree),
    )


def _matrix(noise: str, sigma: Sigma) -> Float[Array, "state noise"]:
    if noise == "diagonal":
        return jnp.diag(sigma)
    return sigma[:, None] if noise == "scalar" else sigma


def _finished(reached: Array, states: Float[Array, "time state"], statistics: Statistics) -> Solved:
    finite = jnp.isfinite(states).all(1)
    code = jnp.where(
        reached[-1],
        jnp.where(finite.all(), Reason.DONE.code, Reason.NOT_FINITE.code),
        Reason.TOO_MANY_STEPS.code,
    )
    return Solved(jnp.where((reached & finite)[:, None], states, jnp.nan), code, statistics)
