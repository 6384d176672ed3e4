"""Precision: closed-form fits run in float64 whatever JAX's default is, and float32 means float32 on every device."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, PyTree

from dynlearn.numerics import compilation_cache

compilation_cache.enable()  # before the first program is compiled


@contextmanager
def float64() -> Iterator[None]:
    """Inside, new arrays are float64; JAX's own setting comes back afterwards."""
    with jax.enable_x64(True):
        yield


def compiled(function: Callable) -> Callable:
    """`eqx.filter_jit`, in whose program products of float32 matrices are float32 on every device.

    JAX's default on a GPU rounds the factors to ten bits (TF32): 1e-3 of the result, where covariances, solvers and
    whoever compares with a CPU count on 1e-7. A setting of the user's own is kept
    (`jax.default_matmul_precision`, `JAX_DEFAULT_MATMUL_PRECISION`).
    """
    return eqx.filter_jit(exact_products(function))


def exact_products(function: Callable) -> Callable:
    """`function`, traced as `compiled` traces it."""

    @functools.wraps(function)
    def traced(*args, **kwargs):
        if jax.config.jax_default_matmul_precision is not None:
            return function(*args, **kwargs)
        with jax.default_matmul_precision("float32"):
            return function(*args, **kwargs)

    # Equinox takes a function with `__wrapped__` for one that JAX has transformed, and warns.
    del traced.__wrapped__
    traced.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return traced


def array(values: ArrayLike | tuple, dtype: Any = None) -> Array:
    """`values` on the device in JAX's default precision (or `dtype`), rounded on the host.

    `jnp.asarray`, `jnp.zeros` and their like compile a program for every shape, and a first answer waits for each.

    >>> array(np.ones(2))
    Array([1., 1.], dtype=float32)
    """
    return jnp.asarray(np.asarray(values, jnp.result_type(float) if dtype is None else dtype))


def to_default(tree: PyTree) -> PyTree:
    """Every floating array in JAX's default precision (call it outside `float64`)."""

    def cast(leaf):
        floating = isinstance(leaf, jax.Array | np.ndarray) and jnp.issubdtype(leaf.dtype, jnp.floating)
        return array(leaf) if floating else leaf

    return jax.tree.map(cast, tree)


def double(model: Any) -> Any:
    """Every floating array in float64; call it inside `precision.float64`."""
    return jax.tree.map(
        lambda leaf: jnp.asarray(leaf, jnp.float64) if eqx.is_inexact_array(leaf) else leaf, model
    )
