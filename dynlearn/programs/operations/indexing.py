"""Reading and writing parts of arrays."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from dynlearn.programs.table import operation


def _along(array: Array, dim: int, index: Any) -> tuple[Any, ...]:
    """An index that reads `index` of axis `dim` and everything of the others."""
    return (slice(None),) * (dim % array.ndim) + (index,)


@operation("slice.Tensor")
def slice_(
    self: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Array:
    return self[_along(self, dim, slice(start, end, step))]


@operation("slice_scatter.default")
def slice_scatter(
    self: Array,
    src: Array,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Array:
    return self.at[_along(self, dim, slice(start, end, step))].set(src)


@operation("select.int")
def select(self: Array, dim: int, index: int) -> Array:
    return self[_along(self, dim, index)]


@operation("select_scatter.default")
def select_scatter(self: Array, src: Array, dim: int, index: int) -> Array:
    return self.at[_along(self, dim, index)].set(src)


@operation("index_select.default")
def index_select(self: Array, dim: int, index: Int[Array, " n"]) -> Array:
    return jnp.take(self, index, dim) if self.ndim else self


@operation("embedding.default")
def embedding(weight: Array, indices: Int[Array, "..."], padding_idx: int = -1, *_: object) -> Array:
    # The row at padding_idx is read like any other but never moved by a gradient.
    found = weight[indices]
    padding = (indices == padding_idx)[..., None]
    return found if padding_idx < 0 else jnp.where(padding, jax.lax.stop_gradient(found), found)


@operation("gather.default")
def gather(self: Array, dim: int, index: Int[Array, "..."], sparse_grad: bool = False) -> Array:
    return self[_grid(self, dim, index)] if self.ndim else self


def _grid(array: Array, dim: int, index: Int[Array, "..."]) -> tuple[Array, ...]:
    """`index` along `dim`, each element's own position along the other axes."""
    own = list(jnp.indices(index.shape, sparse=True))
    own[dim] = index
    return tuple(own)


@operation("scatter.src", "scatter.value")
def scatter(self: Array, dim: int, index: Int[Array, "..."], src: Array) -> Array:
    return self.at[_grid(self, dim, index)].set(_part(src, index))


@operation("scatter_add.default")
def scatter_add(self: Array, dim: int, index: Int[Array, "..."], src: Array) -> Array:
    return self.at[_grid(self, dim, index)].add(_part(src, index))


@operation("scatter_reduce.two")
def scatter_reduce(
    self: Array, dim: int, index: Int[Array, "..."], src: Array, reduce: str, include_self: bool = True
) -> Array:
    where, part = _grid(self, dim, index), _part(src, index)
    if not include_self:
        start = {"sum": 0, "prod": 1, "mean": 0, "amax": -jnp.inf, "amin": jnp.inf}[reduce]
        self = self.at[where].set(start)
    if reduce == "mean":
        count = jnp.full_like(self, int(include_self)).at[where].add(1)
        return self.at[where].add(part) / jnp.maximum(count, 1)
    verb = {"sum": "add", "prod": "multiply", "amax": "max", "amin": "min"}[reduce]
    return getattr(self.at[where], verb)(part)


def _part(src: Array, index: Int[Array, "..."]) -> Array:
    """The corner of `src` that `index` speaks of."""
    return src[tuple(slice(n) for n in index.shape)] if jnp.ndim(src) else src


@operation("index.Tensor", "_unsafe_index.Tensor")
def index(self: Array, indices: Sequence[Array | None]) -> Array:
    return self[_slices(indices)]


@operation("index_put.default", "_unsafe_index_put.default")
def index_put(self: Array, indices: Sequence[Array | None], values: Array, accumulate: bool = False) -> Array:
    mask = indices[0]
    if len(indices) == 1 and mask is not None and mask.dtype == bool and values.size == 1:
        mask = mask.reshape(mask.shape + (1,) * (self.ndim - mask.ndim))
        return jnp.where(mask, self + values if accumulate else values, self).astype(self.dtype)
    place = self.at[_slices(indices)]
    return place.add(values) if accumulate else place.set(values)


def _slices(indices: Sequence[Array | None]) -> tuple[Any, ...]:
    return tuple(slice(None) if one is None else one for one in indices)


@operation("masked_scatter.default")
def masked_scatter(self: Array, mask: Array, source: Array) -> Array:
    mask = jnp.broadcast_to(mask, self.shape)
    order = jnp.maximum(jnp.cumsum(mask.ravel()) - 1, 0).reshape(self.shape)
    return jnp.where(mask, source.ravel()[order], self)


@operation("diagonal.default")
def diagonal(self: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    return jnp.diagonal(self, offset, dim1, dim2)


@operation("diagonal_scatter.default")
def diagonal_scatter(self: Array, src: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    places = jnp.diagonal(jnp.arange(self.size).reshape(self.shape), offset, dim1, dim2)
    return self.ravel().at[places].set(src).reshape(self.shape)


@operation("one_hot.default")
def one_hot(self: Int[Array, "..."], num_classes: int = -1) -> Array:
    return (self[..., None] == jnp.arange(num_classes)).astype(jnp.result_type(int))


@operation("tril.default")
def tril(self: Array, diagonal: int = 0) -> Array:
    return jnp.tril(self, diagonal)


@operation("triu.default")
def triu(self: Array, diagonal: int = 0) -> Array:
    return jnp.triu(self, diagonal)
