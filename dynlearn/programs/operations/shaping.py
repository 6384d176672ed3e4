"""Shapes: views, permutations, joining, splitting, repeating, padding."""

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array

from dynlearn.programs.table import alias, operation

alias(jnp.reshape, "view.default", "reshape.default", "_unsafe_view.default")
alias(jnp.transpose, "permute.default")
alias(jnp.swapaxes, "transpose.int")
alias(jnp.expand_dims, "unsqueeze.default")
alias(jnp.flip, "flip.default")
alias(jnp.tile, "repeat.default", "tile.default")


@operation("t.default")
def t(self: Array) -> Array:
    return self.T


@operation("squeeze.default", "squeeze.dim", "squeeze.dims")
def squeeze(self: Array, dim: int | Sequence[int] | None = None) -> Array:
    dims = range(self.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    return jnp.squeeze(self, tuple(d for d in dims if self.ndim and self.shape[d] == 1))


@operation("expand.default")
def expand(self: Array, size: Sequence[int], implicit: bool = False) -> Array:
    known = (1,) * (len(size) - self.ndim) + self.shape
    return jnp.broadcast_to(self, tuple(k if s == -1 else s for k, s in zip(known, size, strict=True)))


@operation("cat.default")
def cat(tensors: Sequence[Array], dim: int = 0) -> Array:
    # A flat array without elements joins anything, whatever the others' rank.
    return jnp.concatenate([a for a in tensors if a.shape != (0,)] or tensors, dim)


@operation("stack.default")
def stack(tensors: Sequence[Array], dim: int = 0) -> Array:
    return jnp.stack(tensors, dim)


@operation("split_with_sizes.default")
def split_with_sizes(self: Array, split_sizes: Sequence[int], dim: int = 0) -> list[Array]:
    ends = [sum(split_sizes[: i + 1]) for i in range(len(split_sizes) - 1)]
    return jnp.split(self, ends, dim)


@operation("split.Tensor")
def split(self: Array, split_size: int, dim: int = 0) -> list[Array]:
    return jnp.split(self, list(range(split_size, self.shape[dim], split_size)), dim)


@operation("unbind.int")
def unbind(self: Array, dim: int = 0) -> list[Array]:
    return list(jnp.moveaxis(self, dim, 0))


@operation("roll.default")
def roll(self: Array, shifts: Sequence[int], dims: Sequence[int] = ()) -> Array:
    if not dims:
        return jnp.roll(self, shifts[0])
    return jnp.roll(self, tuple(shifts), tuple(dims))


@operation("constant_pad_nd.default")
def constant_pad(self: Array, pad: Sequence[int], value: float = 0) -> Array:
    width = _widths(self, pad)
    grown = jnp.pad(self, [(max(a, 0), max(b, 0)) for a, b in width], constant_values=value)
    inside = [slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(width, grown.shape, strict=True)]
    return grown[tuple(inside)]  # a negative width cuts


@operation("reflection_pad1d.default", "reflection_pad2d.default", "reflection_pad3d.default")
def reflection_pad(self: Array, padding: Sequence[int]) -> Array:
    return jnp.pad(self, _widths(self, padding), mode="reflect")


@operation("replication_pad1d.default", "replication_pad2d.default", "replication_pad3d.default")
def replication_pad(self: Array, padding: Sequence[int]) -> Array:
    return jnp.pad(self, _widths(self, padding), mode="edge")


def _widths(array: Array, pad: Sequence[int]) -> list[tuple[int, int]]:
    """(before, after) of every axis; PyTorch lists pairs from the last axis backwards."""
    pairs = list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    return [(0, 0)] * (array.ndim - len(pairs)) + pairs


@operation("unfold.default")
def unfold(self: Array, dimension: int, size: int, step: int) -> Array:
    starts = jnp.arange(0, self.shape[dimension] - size + 1, step)
    axis = dimension % self.ndim
    windows = jnp.take(self, starts[:, None] + jnp.arange(size), axis)
    return jnp.moveaxis(windows, axis + 1, -1)
