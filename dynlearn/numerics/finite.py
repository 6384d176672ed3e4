"""Whether a tree of arrays is made of finite numbers, in compiled code."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PyTree


def finite(tree: PyTree) -> Bool[Array, ""]:
    """Whether every floating-point number is finite; what counts or flags is.

    >>> finite((jnp.ones(2), jnp.array(3))), finite(jnp.array([1.0, jnp.nan]))
    (Array(True, dtype=bool), Array(False, dtype=bool))
    """
    ok = jnp.asarray(True)
    for leaf in jax.tree.leaves(tree):
        if jnp.issubdtype(leaf.dtype, jnp.inexact):
            ok = ok & jnp.isfinite(leaf).all()
    return ok
