"""How long a step may be: error control, landings, and when to give up."""

from typing import Any

import diffrax
import jax.numpy as jnp
import optimistix as optx
from jaxtyping import Array, Float

from dynlearn.solvers.ode.problem import Problem

SMALLEST = 1e-20
"""Of the time span: a step cut down to this length has no finite value."""

PROPORTIONAL_INTEGRAL = {"pcoeff": 0.3, "icoeff": 0.3}


def controller(
    problem: Problem, times: Float[Array, " time"], rtol: float, atol: float, *, implicit: bool
) -> Any:
    """Control of the error of a step, which lands on the jumps and kinks of a control.

    Integral control; proportional and integral for implicit steps, whose length the iterations that
    solve them limit as well: half as many of them are then tried for nothing.
    """
    control = problem.control
    inner: Any = diffrax.PIDController(
        rtol=rtol,
        atol=atol,
        **(PROPORTIONAL_INTEGRAL if implicit else {}),
        norm=optx.rms_norm if problem.norm is None else problem.norm,
        dtmin=SMALLEST * jnp.abs(times[-1] - times[0]),
        force_dtmin=False,
    )
    if control is not None and control.kinks:
        knots = jnp.where(jnp.isfinite(control.times), control.times, times[-1]).astype(times.dtype)
        where = {"jump_ts": knots} if control.jumps else {"step_ts": knots}
        inner = diffrax.ClipStepSizeController(inner, **where)
    return Resigning(inner)


class Resigning(diffrax.AbstractStepSizeController):
    """Ends a solve whose rejected step would be tried again as it was: it would be rejected for ever.

    Next to a jump, diffrax makes steps no shorter than the numbers around it are apart.
    """

    controller: Any

    def wrap(self, direction):
        return Resigning(self.controller.wrap(direction))

    def init(self, terms, t0, t1, y0, dt0, args, func, error_order):
        return self.controller.init(terms, t0, t1, y0, dt0, args, func, error_order)

    def adapt_step_size(self, t0, t1, y0, y1_candidate, args, y_error, error_order, controller_state):
        keep, next_t0, next_t1, jumped, state, result = self.controller.adapt_step_size(
            t0, t1, y0, y1_candidate, args, y_error, error_order, controller_state
        )
        stuck = ~keep & (next_t0 == t0) & (next_t1 == t1)
        result = diffrax.RESULTS.where(stuck, diffrax.RESULTS.dt_min_reached, result)
        return keep, next_t0, next_t1, jumped, state, result
