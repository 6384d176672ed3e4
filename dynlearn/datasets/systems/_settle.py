"""Onto the attractor: let transients die out before a run starts."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.solvers import FixedStep


def settle(
    field: Callable[[Array, Array], Array], state: Float[Array, " state"], duration: float, step: float
) -> Float[Array, " state"]:
    """The state after `duration` of the autonomous field, in Runge-Kutta steps of about `step`."""
    steps = max(1, round(duration / step))
    return FixedStep("rk4", steps)(field, state, jnp.zeros(()), jnp.asarray(duration))
