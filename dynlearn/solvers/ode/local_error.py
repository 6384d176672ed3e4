"""local_error: how much an embedded pair disagrees with itself over one step."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from dynlearn.errors import check_known
from dynlearn.solvers.checks import as_state, converted
from dynlearn.solvers.ode._explicit import PAIRS, embedded_error, stages_of
from dynlearn.solvers.ode.problem import Field


def local_error(
    field: Field,
    x: PyTree[Array],
    t: Float[Array, ""],
    dt: Float[Array, ""],
    *,
    u: Any = None,
    parameters: PyTree = None,
    scheme: str = "tsit5",
) -> Float[Array, ""]:
    """The error estimate of one explicit step from (t, x), per unit of time; differentiable.

        |sum_i (b_i - b*_i) k_i|,    k_i the stages of a step of length dt, root mean square over the state

    Small where a step-size controller could take long steps. Added to a loss at instants drawn at
    random along a trajectory, it makes the learned field cheap to solve.

    Args:
        field: `(t, x, u, parameters) -> dx/dt`, as for `solve_ode`; `u` is held over the step.
        x: the state, a tree of arrays.
        t, dt: start and length of the step; 0 is allowed.
        u: the control, held over the step; None for none.
        parameters: any tree, handed on to the field.
        scheme: "tsit5" or "dopri8".

    Returns:
        A scalar, in units of the state per unit of time.

    Raises:
        ArgumentError: an unknown scheme; a value of the field that does not look like x.

    Reference: Pal, Edelman, Rackauckas, "Locally regularized neural differential equations: some black
    boxes were meant to remain closed!", ICML 2023.

    >>> import jax.numpy as jnp
    >>> slow, fast = (local_error(lambda t, x, u, k: -k * x, jnp.ones(2), 0.0, 0.5, parameters=k) for k in (1.0, 4.0))
    >>> bool(slow < 1e-3 < fast)
    True
    """
    check_known("scheme", [scheme], PAIRS)
    x, dtype = as_state(x)
    t, dt = jnp.asarray(t, dtype), jnp.asarray(dt, dtype)
    f = converted("field", field, (t, x, u, parameters), x)
    k1 = f(t, x, u, parameters)
    slopes, _ = stages_of(scheme, lambda t, x: f(t, x, u, parameters), t, t + dt, dt, x, k1)
    # One unit of time instead of dt: the estimate over the step's length, also where that is 0.
    error = jax.tree.leaves(embedded_error(scheme, jnp.ones_like(dt), slopes))
    square = sum(jnp.sum(e**2) for e in error) / sum(e.size for e in error)
    return jnp.sqrt(square + jnp.finfo(dtype).tiny)  # the root has no slope at 0
