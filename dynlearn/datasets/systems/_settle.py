"""Onto the attractor: let transients die out before a run starts."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.solvers.ode.fixed import FixedStep
from dynlearn.solvers.ode.solve import solve_ode


def settle(
    field: Callable[[Array, Array], Array], state: Float[Array, " state"], duration: float, step: float
) -> Float[Array, " state"]:
    """The state after `duration` of the autonomous field, in Runge-Kutta steps of about `step`."""
    steps = max(1, round(duration / step))
    times = jnp.array([0.0, duration])
    return solve_ode(lambda t, x, *_: field(t, x), state, times, solver=FixedStep("rk4", steps)).last
