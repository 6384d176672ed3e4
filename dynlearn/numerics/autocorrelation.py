"""How soon a series forgets where it was."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

LEVEL = float(np.exp(-1))


def decorrelation(y: Float[Array, " time"], seen: Bool[Array, " time"], longest: int) -> Int[Array, ""]:
    """Samples until the autocorrelation has fallen below 1/e, from 1 to `longest`.

    Args:
        y: one series of mean 0.
        seen: which samples count; the others may hold any number.
        longest: what is given where it stays above.

    >>> import jax.numpy as jnp
    >>> wave = jnp.sin(2 * jnp.pi * jnp.arange(600) / 60)
    >>> int(decorrelation(wave, jnp.ones(600, bool), 64))  # cos(2 pi j / 60) < 1/e
    12
    """
    w = seen.astype(y.dtype)
    y = jnp.where(seen, y, 0)
    longest = min(longest, y.shape[0] - 1)
    size = y.shape[0]

    def at(lag: int) -> Array:
        product = y[lag:] @ y[: size - lag]
        return product / jnp.maximum(w[lag:] @ w[: size - lag], 1)

    power = at(0)
    below = jnp.stack([at(lag) for lag in range(1, longest + 1)]) < LEVEL * power
    return jnp.where(below.any(), jnp.argmax(below) + 1, longest)
