"""Sums, means, extremes and running totals."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array

from dynlearn.programs.table import operation

Dims = int | Sequence[int] | None


def _axes(dim: Dims) -> int | tuple[int, ...] | None:
    """No axis named means all of them."""
    return dim if isinstance(dim, int) else tuple(dim) if dim else None


@operation("sum.default", "sum.dim_IntList")
def sum_(self: Array, dim: Dims = None, keepdim: bool = False, dtype: DTypeLike | None = None) -> Array:
    return jnp.sum(self, _axes(dim), dtype, keepdims=keepdim)


@operation("mean.default", "mean.dim")
def mean(self: Array, dim: Dims = None, keepdim: bool = False, dtype: DTypeLike | None = None) -> Array:
    return jnp.mean(self, _axes(dim), dtype, keepdims=keepdim)


@operation("prod.default")
def prod(self: Array, dtype: DTypeLike | None = None) -> Array:
    return jnp.prod(self, dtype=dtype)


@operation("prod.dim_int")
def prod_dim(self: Array, dim: int, keepdim: bool = False, dtype: DTypeLike | None = None) -> Array:
    return jnp.prod(self, dim, dtype, keepdims=keepdim)


@operation("var.correction", "var.dim", "var.default")
def var(self: Array, dim: Dims = None, correction: float | None = None, keepdim: bool = False) -> Array:
    axes = _axes(dim)
    deviation = self - jnp.mean(self, axes, keepdims=True)
    kept = jnp.sum(deviation**2, axes, keepdims=keepdim)
    freedom = self.size / max(kept.size, 1) - (1 if correction is None else correction)
    return kept / max(freedom, 0) if freedom > 0 else kept * math.inf


@operation("var_mean.correction")
def var_mean(
    self: Array, dim: Dims = None, correction: float | None = None, keepdim: bool = False
) -> tuple[Array, Array]:
    return var(self, dim, correction, keepdim), mean(self, dim, keepdim)


@operation("std.correction")
def std(self: Array, dim: Dims = None, correction: float | None = None, keepdim: bool = False) -> Array:
    # The slope of a spread that is zero is zero, as PyTorch has it, not infinite.
    variance = var(self, dim, correction, keepdim)
    flat = variance == 0
    return jnp.where(flat, 0.0, jnp.sqrt(jnp.where(flat, 1.0, variance)))


@operation("std_mean.correction")
def std_mean(
    self: Array, dim: Dims = None, correction: float | None = None, keepdim: bool = False
) -> tuple[Array, Array]:
    return std(self, dim, correction, keepdim), mean(self, dim, keepdim)


@operation("amax.default", "max.default")
def amax(self: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    return jnp.max(self, _axes(dim), keepdims=keepdim)


@operation("amin.default", "min.default")
def amin(self: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    return jnp.min(self, _axes(dim), keepdims=keepdim)


@operation("argmax.default")
def argmax(self: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    return jnp.argmax(self, dim, keepdims=keepdim)


@operation("argmin.default")
def argmin(self: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    return jnp.argmin(self, dim, keepdims=keepdim)


@operation("max.dim")
def max_dim(self: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    return _picked(self, jnp.argmax(self, dim, keepdims=True), dim, keepdim)


@operation("min.dim")
def min_dim(self: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    return _picked(self, jnp.argmin(self, dim, keepdims=True), dim, keepdim)


def _picked(array: Array, index: Array, dim: int, keepdim: bool) -> tuple[Array, Array]:
    """The element at `index` and `index`: of equal ones the first alone carries the gradient."""
    found = jnp.take_along_axis(array, index, dim)
    return (found, index) if keepdim else (jnp.squeeze(found, dim), jnp.squeeze(index, dim))


@operation("any.default", "any.dim", "any.dims")
def any_(self: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    return jnp.any(self, _axes(dim), keepdims=keepdim)


@operation("all.default", "all.dim", "all.dims")
def all_(self: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    return jnp.all(self, _axes(dim), keepdims=keepdim)


@operation("logsumexp.default")
def logsumexp(self: Array, dim: Dims, keepdim: bool = False) -> Array:
    return jax.nn.logsumexp(self, _axes(dim), keepdims=keepdim)


@operation("cumsum.default")
def cumsum(self: Array, dim: int, dtype: DTypeLike | None = None) -> Array:
    return jnp.cumsum(self, dim, dtype)


@operation("cumprod.default")
def cumprod(self: Array, dim: int, dtype: DTypeLike | None = None) -> Array:
    return jnp.cumprod(self, dim, dtype)


@operation("logcumsumexp.default")
def logcumsumexp(self: Array, dim: int) -> Array:
    return jax.lax.cumlogsumexp(self, dim % self.ndim)


@operation("cummax.default")
def cummax(self: Array, dim: int) -> tuple[Array, Array]:
    axis = dim % self.ndim
    top = jax.lax.stop_gradient(jax.lax.cummax(self, axis))
    where = jnp.arange(self.shape[axis]).reshape(-1, *(1,) * (self.ndim - axis - 1))
    index = jax.lax.cummax(jnp.where(self == top, where, 0), axis)
    return jnp.take_along_axis(self, index, axis), index
