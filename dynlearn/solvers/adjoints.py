"""How a solve is differentiated.

"checkpointed"
    The steps that were taken, computed again from stored states: those at the instants (fixed steps)
    or at O(sqrt(max_steps)) steps (adaptive). Reverse mode; with fixed steps forward mode too. The default.
"direct"
    The steps that were taken, everything they computed being stored; of adaptive ones `max_steps` steps.
    Both modes. For small problems with fixed steps.
"continuous"
    The adjoint equation, solved backwards by the same solver; states at the instants are stored, however
    many steps lie between. Reverse mode. When memory is short; agrees with the others up to the solver's
    accuracy.
"forward"
    The steps that were taken, alongside, with the memory of one step. Forward mode (`jax.jvp`,
    `jax.jacfwd`). For the derivative by a few numbers.

With "checkpointed" and "continuous", a trajectory that failed contributes nothing to the gradient of the
others in its batch; with "direct" and "forward" its infinities may, and end the program where the scheme
is implicit.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from dynlearn.errors import ArgumentError, check_known
from dynlearn.numerics.precision import exact_products
from dynlearn.solvers.ode.problem import AbstractSolver, all_finite

ADJOINTS = ("direct", "checkpointed", "continuous", "forward")


def check_adjoint(adjoint: str, solver: AbstractSolver) -> None:
    check_known("adjoint", [adjoint], ADJOINTS)
    if adjoint not in solver.adjoints:
        raise ArgumentError(
            f"adjoint: {type(solver).__name__} has {', '.join(map(repr, solver.adjoints))}, got {adjoint!r}."
        )


@contextmanager
def forward_mode_refused(adjoint: str) -> Iterator[None]:
    """JAX's refusal to differentiate a reverse-mode adjoint forwards, in words."""
    try:
        yield
    except TypeError as error:
        if "forward-mode" not in str(error):
            raise
        raise ArgumentError(
            f"adjoint: {adjoint!r} of this solver has derivatives in reverse mode only, and forward mode was asked for "
            f"(jax.jvp, jax.jacfwd, jax.hessian); pass adjoint='forward' for jvp and jacfwd, or take jax.jacrev, or "
            f"dl.solvers.FixedStep(), whose solves have both modes and second derivatives."
        ) from error


def recomputed(
    step: Callable[[PyTree, PyTree, PyTree], PyTree],
) -> Callable[[PyTree, PyTree, PyTree], PyTree]:
    """`step(x, interval, fixed) -> x`, whose derivative stores nothing but its arguments.

    Where the step leaves the finite numbers it is linearised at 1 instead: a cotangent of zero has to
    come back as zero, and 0 times the infinite Jacobian of such a step is NaN.
    """

    @eqx.filter_custom_jvp
    def run(x, interval, fixed):
        return step(x, interval, fixed)

    @run.def_jvp
    @exact_products
    def jvp(primals, tangents):
        x, interval, fixed = primals
        out = step(x, interval, fixed)
        ok = all_finite(out)
        x, interval = jax.tree.map(lambda a: jnp.where(ok, a, jnp.ones_like(a)), (x, interval))
        again = eqx.filter_checkpoint(step)
        return out, eqx.filter_jvp(again, (x, interval, fixed), tangents)[1]

    return run
