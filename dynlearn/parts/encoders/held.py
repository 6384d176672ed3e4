"""Missing outputs of a window: the last measured value of each stands for them."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def held_values(
    y: Float[Array, "time output"], observed: Bool[Array, "time output"]
) -> tuple[Float[Array, "time output"], Bool[Array, "time output"]]:
    """The last value measured at or before each sample (0 where there is none), and whether there is one."""
    index = jnp.where(observed, jnp.arange(y.shape[0])[:, None], -1)
    last = jax.lax.cummax(index, axis=0)
    ever = last >= 0
    return jnp.where(ever, jnp.take_along_axis(y, jnp.maximum(last, 0), axis=0), 0), ever
