"""Joint densities of independent entries."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float


def together(law: Any, value: Float[Array, " output"]) -> Float[Array, ""]:
    """Log density of the measured entries (no batch axes); NaN marks the others."""
    measured = ~jnp.isnan(value)
    # 0 has a finite density under every law, whatever stands where nothing was measured.
    each = law.log_prob(jnp.where(measured, value, 0))
    return jnp.sum(jnp.where(measured, each, 0))
