"""The length of a vector whose squares may leave the floating-point numbers."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def length(x: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """sqrt(sum x^2) along `axis`. In float32 the squares of 1e-30 and 1e30 are 0 and infinite, this is neither.

    >>> length(jnp.array([3e30, 4e30]), axis=0).round(-29)
    Array(5.e+30, dtype=float32)
    """
    largest = jax.lax.stop_gradient(jnp.max(jnp.abs(x), axis=axis, keepdims=True, initial=0))
    unit = jnp.where((largest > 0) & jnp.isfinite(largest), largest, 1)
    return jnp.squeeze(unit, axis) * jnp.linalg.norm(x / unit, axis=axis)
