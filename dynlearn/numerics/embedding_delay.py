"""The delay between the coordinates of an embedding."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

LEVEL = float(np.exp(-1))
LONGEST = 64
SHARE = 6
"""Of a series of so many times the delay, a third has no past of two delays."""


def embedding_delay(y: Float[Array, " time"], seen: Bool[Array, " time"]) -> Int[Array, ""]:
    """Samples until the autocorrelation has fallen below 1/e; at most 64, and a sixth of what was seen; at least 1.

    Args:
        y: one series of mean 0.
        seen: which samples count; the others may hold any number.

    >>> import jax.numpy as jnp
    >>> wave = jnp.sin(2 * jnp.pi * jnp.arange(600) / 60)
    >>> int(embedding_delay(wave, jnp.ones(600, bool)))  # cos(2 pi j / 60) < 1/e
    12
    """
    w = seen.astype(y.dtype)
    y = jnp.where(seen, y, 0)
    size = y.shape[0]
    longest = min(LONGEST, size - 1)

    def at(lag: int) -> Array:
        product = y[lag:] @ y[: size - lag]
        return product / jnp.maximum(w[lag:] @ w[: size - lag], 1)

    power = at(0)
    below = jnp.stack([at(lag) for lag in range(1, longest + 1)]) < LEVEL * power
    found = jnp.where(below.any(), jnp.argmax(below) + 1, longest)
    return jnp.minimum(found, jnp.maximum(seen.sum() // SHARE, 1))
