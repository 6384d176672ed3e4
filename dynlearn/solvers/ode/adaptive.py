"""Steps under error control: one solve over all instants, by diffrax."""

from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import optimistix as optx
from jaxtyping import Array, Bool, Float, PyTree

from dynlearn.errors import ArgumentError, check_count, check_known, is_number
from dynlearn.numerics.plain import plain
from dynlearn.solvers.checks import converted
from dynlearn.solvers.controller import controller
from dynlearn.solvers.guarded import Guarded
from dynlearn.solvers.ode._explicit import PAIRS, ExplicitPair
from dynlearn.solvers.ode.problem import AbstractSolver, Problem, Solved, all_finite, nan_where
from dynlearn.solvers.solution import Reason, Statistics

SCHEMES = ("tsit5", "dopri8", "kvaerno5", "auto")
STAGES = {"tsit5": 6, "dopri8": 13, "kvaerno5": 6}
REFERENCES = {
    "tsit5": ("tsitouras2011runge",),
    "dopri8": ("prince1981high",),
    "kvaerno5": ("kvaerno2004singly",),
    "auto": ("tsitouras2011runge", "kvaerno2004singly", "hairer1996solving"),
}
ADJOINTS = {
    "direct": diffrax.DirectAdjoint(),
    "checkpointed": diffrax.RecursiveCheckpointAdjoint(),
    "forward": diffrax.ForwardMode(),
}


class Adaptive(AbstractSolver):
    """Steps whose error is kept below `atol + rtol |x|`, root mean square over the state.

    "tsit5" (order 5) for ordinary fields, "dopri8" (order 8) for tight tolerances, "kvaerno5" (order 5,
    implicit) for stiff ones. "auto" starts with "tsit5" and goes on with "kvaerno5" from where the field
    turns out to be stiff, or where half of `max_steps` is spent.

    States at the instants come from dense output, so that instants cost next to nothing; a held
    control's jumps and a linear one's kinks are landed on.

    Args:
        scheme: "tsit5", "dopri8", "kvaerno5" or "auto".
        rtol, atol: relative and absolute tolerance (in units of the state) of one step.
        max_steps: steps in all, rejected ones included. A solve that needs more is NaN from where it
            stopped.

    Raises:
        ArgumentError: an unknown scheme, a tolerance that is not above 0, a `max_steps` below 1.

    References: Tsitouras, "Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying
    assumption", Computers & Mathematics with Applications 62, 2011; Kvaernø, "Singly diagonally implicit
    Runge-Kutta methods with an explicit first stage", BIT 44, 2004.

    >>> import jax.numpy as jnp
    >>> from dynlearn.solvers import Adaptive, solve_ode
    >>> decay = lambda t, x, u, p: -x
    >>> solution = solve_ode(decay, jnp.ones(1), jnp.array([0.0, 1.0]), solver=Adaptive("tsit5", rtol=1e-5))
    >>> bool(abs(solution.last[0] - jnp.exp(-1.0)) < 1e-4)
    True
    """

    scheme: str = eqx.field(static=True, default="tsit5")
    rtol: float = eqx.field(static=True, converter=plain, default=1e-4)
    atol: float = eqx.field(static=True, converter=plain, default=1e-6)
    max_steps: int = eqx.field(static=True, converter=plain, default=4096)
    adjoints: ClassVar[tuple[str, ...]] = ("direct", "checkpointed", "continuous", "forward")

    def __check_init__(self):
        check_known("adaptive scheme", [self.scheme], SCHEMES)
        check_count("max_steps", self.max_steps, 1)
        for name, value in (("rtol", self.rtol), ("atol", self.atol)):
            if not is_number(value) or not value > 0:
                raise ArgumentError(f"{name}: expected a number > 0, got {value!r}.")

    @property
    def references(self) -> tuple[str, ...]:
        """Of the scheme, of diffrax, and of the way in which diffrax differentiates by default."""
        return (*REFERENCES[self.scheme], "kidger2021neural", "stumm2010new", "wang2009minimal")

    def converted(self, field: Any, t: Array, x: PyTree, u: Array | None, parameters: PyTree) -> Any:
        return converted("field", field, (t, x, u, parameters), x)

    def solve(self, problem: Problem, adjoint: str) -> Solved:
        times, x0 = problem.grid.times, problem.x0
        u = None if problem.control is None else problem.control(times[0])
        ok = all_finite((x0, problem.field(times[0], x0, u, problem.parameters)))
        # From a start that is not finite no step is ever accepted: what cannot be solved is not tried.
        times = jnp.where(ok, times, times[0])
        x0 = jax.tree.map(lambda x: jnp.where(ok, x, 1), x0)
        run = self._switching if self.scheme == "auto" else self._single
        solved = run(problem, times, x0, adjoint)
        lost = (jnp.arange(times.shape[0]) > 0) & ~ok
        states = nan_where(lost, solved.states)
        states = jax.tree.map(lambda x, first: x.at[0].set(first), states, problem.x0)
        return Solved(states, jnp.where(ok, solved.code, Reason.NOT_FINITE.code), solved.statistics)

    def _single(self, problem: Problem, times: Array, x0: PyTree, adjoint: str) -> Solved:
        part = _diffrax(self, self.scheme, self.max_steps, problem, times, times, x0, adjoint)
        return Solved(nan_where(~part.reached, part.states), part.code, part.statistics)

    def _switching(self, problem: Problem, times: Array, x0: PyTree, adjoint: str) -> Solved:
        """Explicit as far as it gets, implicit from there: over no time at all where nothing is left to do."""
        budget = max(self.max_steps // 2, 1)
        first = _diffrax(self, "auto", budget, problem, times, times, x0, adjoint)
        onwards = jnp.where(first.reached, first.time, times)
        second = _diffrax(self, "kvaerno5", budget, problem, times, onwards, first.last, adjoint)

        def merged(a, b):
            rows = first.reached.reshape((-1,) + (1,) * (a.ndim - 1))
            return jnp.where(rows, a, b)

        states = nan_where(
            ~(first.reached | second.reached), jax.tree.map(merged, first.states, second.states)
        )
        work = jax.tree.map(jnp.add, first.statistics, second.statistics)
        return Solved(states, jnp.where(first.reached[-1], first.code, second.code), work)


class _Part(eqx.Module):
    """A solve by diffrax: states where `reached`; `last` at `time`, where it ended."""

    states: PyTree
    reached: Bool[Array, " time"]
    last: PyTree
    time: Float[Array, ""]
    code: Array
    statistics: Statistics


def _diffrax(
    settings: Adaptive,
    scheme: str,
    max_steps: int,
    problem: Problem,
    times: Array,
    onwards: Array,
    x0: PyTree,
    adjoint: str,
) -> _Part:
    control = problem.control

    def field(t, x, args):
        field, control, parameters = args
        return field(t, x, None if control is None else control(t), parameters)

    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        _solver(scheme, settings, control is not None and control.jumps, adjoint),
        t0=onwards[0],
        t1=onwards[-1],
        dt0=None,
        y0=x0,
        args=(problem.field, control, problem.parameters),
        saveat=diffrax.SaveAt(subs=[diffrax.SubSaveAt(ts=onwards), diffrax.SubSaveAt(t1=True)]),
        stepsize_controller=controller(
            problem, onwards, settings.rtol, settings.atol, implicit=scheme == "kvaerno5"
        ),
        max_steps=max_steps,
        adjoint=ADJOINTS[adjoint],
        throw=False,
    )
    (instants, (end,)), (states, last) = solution.ts, solution.ys
    reached = jnp.isfinite(instants)
    steps = solution.stats["num_steps"]
    work = Statistics(steps, solution.stats["num_rejected_steps"], _evaluations(scheme, control, steps))
    last = jax.tree.map(lambda x: x[0], last)
    return _Part(states, reached, last, end, _code(solution.result, reached[-1]), work)


def _solver(scheme: str, settings: Adaptive, jumps: bool, adjoint: str) -> diffrax.AbstractSolver:
    solver: diffrax.AbstractSolver
    if scheme == "kvaerno5":
        chord = diffrax.VeryChord(rtol=settings.rtol, atol=settings.atol, norm=optx.rms_norm)
        solver = diffrax.Kvaerno5(root_finder=chord)
    else:
        detect = scheme == "auto"
        solver = ExplicitPair("tsit5" if detect else scheme, fsal=not jumps, detect=detect)
    return Guarded(solver) if adjoint == "checkpointed" else solver


def _evaluations(scheme: str, control: Any, steps: Array) -> Array:
    """Two of them to choose the first step."""
    scheme = "tsit5" if scheme == "auto" else scheme
    repeated = control is not None and control.jumps and scheme in PAIRS
    return jnp.where(steps > 0, 2 + (STAGES[scheme] + repeated) * steps, 0)


def _code(result: diffrax.RESULTS, reached: Array) -> Array:
    code = jnp.where(
        result == diffrax.RESULTS.max_steps_reached,
        Reason.TOO_MANY_STEPS.code,
        jnp.where(result == diffrax.RESULTS.dt_min_reached, Reason.NOT_FINITE.code, Reason.NOT_SOLVED.code),
    )
    return jnp.where(reached, Reason.DONE.code, code)
