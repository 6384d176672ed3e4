"""Precision: closed-form fits run in float64 whatever JAX's default is."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree


@contextmanager
def float64() -> Iterator[None]:
    """Inside, new arrays are float64; JAX's own setting comes back afterwards."""
    with jax.enable_x64(True):
        yield


def to_default(tree: PyTree) -> PyTree:
    """Every floating array in JAX's default precision (call it outside `float64`)."""
    dtype = jnp.result_type(float)

    def cast(leaf):
        floating = isinstance(leaf, jax.Array | np.ndarray) and jnp.issubdtype(leaf.dtype, jnp.floating)
        return jnp.asarray(np.asarray(leaf), dtype) if floating else leaf

    return jax.tree.map(cast, tree)
