"""Arrays made from numbers, and changes of the kind of number."""

import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array

from dynlearn.programs.table import operation


@operation("full.default")
def full(size: tuple[int, ...], fill_value: float, dtype: DTypeLike | None = None) -> Array:
    return jnp.full(size, fill_value, dtype)


@operation("full_like.default")
def full_like(self: Array, fill_value: float, dtype: DTypeLike | None = None) -> Array:
    return jnp.full_like(self, fill_value, dtype)


@operation("zeros_like.default", "empty_like.default")
def zeros_like(self: Array, dtype: DTypeLike | None = None) -> Array:
    return jnp.zeros_like(self, dtype)


@operation("ones_like.default")
def ones_like(self: Array, dtype: DTypeLike | None = None) -> Array:
    return jnp.ones_like(self, dtype)


@operation("zeros.default", "empty.memory_format")
def zeros(size: tuple[int, ...], dtype: DTypeLike | None = None) -> Array:
    return jnp.zeros(size, dtype)


@operation("ones.default")
def ones(size: tuple[int, ...], dtype: DTypeLike | None = None) -> Array:
    return jnp.ones(size, dtype)


@operation("scalar_tensor.default")
def scalar_tensor(s: float, dtype: DTypeLike | None = None) -> Array:
    return jnp.asarray(s, dtype)


@operation("arange.default", "arange.start", "arange.start_step")
def arange(
    start: float, end: float | None = None, step: float | None = None, dtype: DTypeLike | None = None
) -> Array:
    return jnp.arange(start, end, step, dtype)


@operation("linspace.default")
def linspace(start: float, end: float, steps: int, dtype: DTypeLike | None = None) -> Array:
    return jnp.linspace(start, end, steps, dtype=dtype)


@operation("eye.default", "eye.m")
def eye(n: int, m: int | None = None, dtype: DTypeLike | None = None) -> Array:
    return jnp.eye(n, m, dtype=dtype)


@operation("fill.Scalar", "fill.Tensor")
def fill(self: Array, value: Array) -> Array:
    return jnp.broadcast_to(jnp.asarray(value, self.dtype), self.shape)


@operation("_to_copy.default")
def to_copy(self: Array, dtype: DTypeLike | None = None) -> Array:
    return self if dtype is None else self.astype(dtype)


@operation("type_as.default")
def type_as(self: Array, other: Array) -> Array:
    return self.astype(other.dtype)


@operation("clone.default", "alias.default")
def identity(self: Array) -> Array:
    return self


@operation("dropout.default")
def dropout(input: Array, p: float, train: bool) -> Array:
    return input  # with train=True it is refused when a module is lowered


@operation("copy.default")
def copy(self: Array, src: Array) -> Array:
    return jnp.broadcast_to(src, self.shape).astype(self.dtype)


@operation("detach.default", "item.default", "_local_scalar_dense.default")
def detach(self: Array) -> Array:
    return lax.stop_gradient(self)
