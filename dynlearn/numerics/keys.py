"""Randomness: an integer seed or a JAX key, never both meanings of an array."""

import numbers

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from dynlearn.errors import ArgumentError


def as_key(key: object) -> Key[Array, ""]:
    """A typed JAX key from an integer seed, a typed key, or an old-style uint32 pair.

    >>> as_key(0) == jax.random.key(0)
    Array(True, dtype=bool)
    """
    if isinstance(key, numbers.Integral) and not isinstance(key, bool):
        return jax.random.key(int(key))
    if isinstance(key, jax.Array):
        if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and key.shape == ():
            return key
        if key.dtype == jnp.uint32 and key.shape == (2,):
            return jax.random.wrap_key_data(key)
    raise ArgumentError(
        f"key: expected an int or a JAX key, got {key!r}; pass e.g. key=0 or jax.random.key(0)."
    )


def split(key: Key[Array, ""], count: int) -> list[Key[Array, ""]]:
    """`count` independent keys as a list, for unpacking."""
    return list(jax.random.split(key, count))
