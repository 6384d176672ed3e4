"""Order: sort, top-k, median, and where a value falls among sorted ones."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from dynlearn.programs.table import operation


@operation("sort.default")
def sort(self: Array, dim: int = -1, descending: bool = False) -> tuple[Array, Array]:
    order = jnp.argsort(self, dim, stable=True, descending=descending)
    return jnp.take_along_axis(self, order, dim), order


@operation("sort.stable")
def sort_stable(
    self: Array, stable: bool = True, dim: int = -1, descending: bool = False
) -> tuple[Array, Array]:
    return sort(self, dim, descending)


@operation("topk.default")
def topk(
    self: Array, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> tuple[Array, Array]:
    values, order = sort(self, dim, largest)
    first = (slice(None),) * (dim % self.ndim) + (slice(k),)
    return values[first], order[first]


@operation("kthvalue.default")
def kthvalue(self: Array, k: int, dim: int = -1, keepdim: bool = False) -> tuple[Array, Array]:
    values, order = sort(self, dim)
    place = (slice(None),) * (dim % self.ndim) + (slice(k - 1, k) if keepdim else k - 1,)
    return values[place], order[place]


@operation("median.dim")
def median_dim(self: Array, dim: int = -1, keepdim: bool = False) -> tuple[Array, Array]:
    return kthvalue(self, (self.shape[dim] + 1) // 2, dim, keepdim)  # the lower of two middle elements


@operation("median.default")
def median(self: Array) -> Array:
    return kthvalue(self.ravel(), (self.size + 1) // 2)[0]


@operation("bucketize.Tensor")
def bucketize(
    self: Array, boundaries: Array, out_int32: bool = False, right: bool = False
) -> Int[Array, "..."]:
    place = jnp.searchsorted(boundaries, self, side="right" if right else "left")
    return place.astype(jnp.int32 if out_int32 else jnp.result_type(int))


@operation("searchsorted.Tensor")
def searchsorted(
    sorted_sequence: Array,
    self: Array,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Array | None = None,
) -> Int[Array, "..."]:
    if sorter is not None:
        sorted_sequence = jnp.take_along_axis(sorted_sequence, sorter, -1)
    find = partial(bucketize, out_int32=out_int32, right=right or side == "right")
    for _ in range(sorted_sequence.ndim - 1):  # rows of one among rows of the other
        find = jax.vmap(find)
    return find(self, sorted_sequence)
