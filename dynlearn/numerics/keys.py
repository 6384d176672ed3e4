"""Randomness: an integer seed or a JAX key, never both meanings of an array."""

import hashlib
import numbers
from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, UInt32

from dynlearn.errors import ArgumentError
from dynlearn.numerics.buckets import up
from dynlearn.numerics.precision import compiled


def as_key(key: object) -> Key[Array, ""]:
    """A typed JAX key from an integer seed, a typed key, or an old-style uint32 pair.

    >>> as_key(0) == jax.random.key(0)
    Array(True, dtype=bool)
    """
    if isinstance(key, numbers.Integral) and not isinstance(key, bool):
        seed = int(key)
        if not -(2**63) <= seed < 2**63:
            raise ArgumentError(
                f"key: expected an integer of at most 64 bits, got {seed}; take a smaller one."
            )
        return jax.random.key(seed)
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
    return list(_split(key, count))


@compiled
def _split(key: Key[Array, ""], count: int) -> tuple[Key[Array, ""], ...]:
    return tuple(jax.random.split(key, count))


def of_runs(key: Key[Array, ""], ids: Iterable[object]) -> Key[Array, " filled"]:
    """A key for every run that depends on its id, and on neither its place nor the others.

    Filled up to a size of a few (`buckets.up`) by copies of the first, as runs on the device are.

    What is drawn for a run is then the same alone, in any order and among any others.

    >>> alone, among = of_runs(jax.random.key(0), ["b"]), of_runs(jax.random.key(0), ["a", "b"])
    >>> alone[0] == among[1]
    Array(True, dtype=bool)
    """
    digests = [hashlib.sha256(str(name).encode()).digest()[:8] for name in ids]
    words = np.array([np.frombuffer(digest, "<u4") for digest in digests], np.uint32).reshape(-1, 2)
    rows = np.concatenate([words, np.repeat(words[:1], up(len(words)) - len(words), axis=0)])
    return _folded(key, jnp.asarray(rows))


@compiled
def _folded(key: Key[Array, ""], words: UInt32[Array, "run 2"]) -> Key[Array, " run"]:
    return jax.vmap(lambda w: jax.random.fold_in(jax.random.fold_in(key, w[0]), w[1]))(words)
