"""What a solve gives back: states at the instants asked for, what it took, and how it ended."""

import enum

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree

from dynlearn.errors import ArgumentError, DivergedError


class Reason(enum.Enum):
    """How a solve ended. The value is the sentence the user reads; `code` is what compiled programs carry."""

    DONE = "The last instant was reached."
    TOO_MANY_STEPS = (
        "More than max_steps steps were needed: raise max_steps, loosen rtol and atol, or use the scheme 'kvaerno5' "
        "(or 'auto') where the field is stiff."
    )
    NOT_FINITE = (
        "The state left the finite numbers: the field may be unstable; check it, shorten the time span, or use more "
        "steps."
    )
    BAD_TIMES = (
        "The instants, or the knots of the control, go to and fro: sort `times` or knots, with NaN only after the "
        "last one."
    )
    NOT_SOLVED = (
        "The equations of an implicit step could not be solved: tighten rtol and atol, or check the field."
    )

    @property
    def code(self) -> int:
        """The number that stands for it in `Solution.code`; 0 where the last instant was reached."""
        return list(Reason).index(self)


class Statistics(eqx.Module):
    """Work done, as integers: one number per trajectory in a batch.

    >>> import jax.numpy as jnp
    >>> from dynlearn.solvers import FixedStep, solve_ode
    >>> solution = solve_ode(lambda t, x, u, p: -x, jnp.ones(1), jnp.arange(3.0), solver=FixedStep("rk4", 2))
    >>> int(solution.statistics.steps), int(solution.statistics.evaluations)
    (4, 16)
    """

    steps: Int[Array, "*batch"]
    """Steps tried."""
    rejected: Int[Array, "*batch"]
    """Of those, steps whose error was too large."""
    evaluations: Int[Array, "*batch"]
    """Of the field (of drift and diffusion alike); for implicit methods, stages."""


class Solution(eqx.Module):
    """States at `times`, the first of them the initial one.

    After the end of a shorter trajectory (NaN in the times that were asked for) its last state is
    repeated and `valid` is false. After a failure, states are NaN.

    Args:
        times: instants, `(*batch, time)`.
        states: at these instants.
        valid: false after the end of a shorter trajectory, `(*batch, time)`.
        code: how each trajectory ended, as `Reason.code`.
        statistics: what it took.

    >>> import jax.numpy as jnp
    >>> from dynlearn.solvers import solve_ode
    >>> solution = solve_ode(lambda t, x, u, p: x**2, jnp.ones(1), jnp.array([0.0, 0.5, 2.0]))  # infinite at t = 1
    >>> solution.states.shape
    (3, 1)
    >>> solution.check()
    Traceback (most recent call last):
    dynlearn.errors.DivergedError: solve: 1 of 1 failed ...
    """

    times: Float[Array, "*batch time"]
    states: PyTree[Float[Array, "..."]]
    """Leaves of shape `(*batch, time, ...)`."""
    valid: Bool[Array, "*batch time"]
    code: Int[Array, "*batch"]
    statistics: Statistics

    @property
    def last(self) -> PyTree[Float[Array, "..."]]:
        """The state at the last instant."""
        axis = self.times.ndim - 1
        return jax.tree.map(lambda x: x.take(-1, axis=axis), self.states)

    def reasons(self) -> list[Reason]:
        """Of every trajectory, flattened; on the host.

        Returns:
            One reason per trajectory.

        Raises:
            ArgumentError: inside a program that is being compiled.
        """
        if isinstance(self.code, jax.core.Tracer):
            raise ArgumentError(
                "solution: check() and reasons() read numbers, which a program being compiled does not have yet; "
                "return the solution and call them on the result (inside, solution.code is an array)."
            )
        return [list(Reason)[c] for c in np.ravel(self.code)]

    def check(self) -> "Solution":
        """Itself, or `DivergedError` naming the trajectories that failed, and why. On the host.

        Returns:
            The solution, so that a check can stand in the middle of a line.

        Raises:
            DivergedError: a trajectory that failed.
            ArgumentError: inside a program that is being compiled.
        """
        found = self.reasons()
        for reason in Reason:
            failed = [i for i, r in enumerate(found) if r is reason]
            if reason is not Reason.DONE and failed:
                raise DivergedError(
                    f"solve: {len(failed)} of {len(found)} failed (the first is {failed[0]}). {reason.value}"
                )
        return self
