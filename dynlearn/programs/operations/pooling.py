"""Pooling: along each axis, windows are gathered by position; then what is in a window is reduced."""

import math
from collections.abc import Sequence
from functools import reduce

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from dynlearn.programs.table import operation

Windows = Int[np.ndarray, "out kernel"]
"""Positions along one axis that each window covers; those off the array are padding."""


def _windows(ceil: bool, length: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> Windows:
    free = length + 2 * padding - dilation * (kernel - 1) - 1
    count = (math.ceil(free / stride) if ceil else free // stride) + 1
    if ceil and (count - 1) * stride >= length + padding:
        count -= 1  # a last window that would begin in the padding is left out
    return (np.arange(count) * stride - padding)[:, None] + dilation * np.arange(kernel)


def _adaptive_windows(length: int, out: int) -> Windows:
    """`out` windows that cover the axis evenly; shorter ones are filled up with -1."""
    start, end = np.arange(out) * length // out, -(-(np.arange(out) + 1) * length // out)
    positions = start[:, None] + np.arange((end - start).max())
    return np.where(positions < end[:, None], positions, -1)


def _settings(x: Array, axes: int, *settings: Sequence[int]) -> list[tuple[int, ...]]:
    """(length, one of each setting) of each of the last axes; a single number serves all axes."""
    wide = [tuple(s) * axes if len(s) == 1 else tuple(s) for s in settings]
    return list(zip(x.shape[-axes:], *wide, strict=True))


def _gathered(x: Array, windows: Sequence[Windows], outside: float) -> Array:
    """What windows of the last axes contain, along one new last axis; `outside` where they leave the array."""
    first = x.ndim - len(windows)
    for axis, where in enumerate(windows, first):
        inside = (where >= 0) & (where < x.shape[axis])
        taken = jnp.take(x, np.where(inside, where, 0), axis)
        inside = inside.reshape(inside.shape + (1,) * (taken.ndim - axis - 2))
        x = jnp.moveaxis(jnp.where(inside, taken, outside), axis + 1, -1)
    return x.reshape(*x.shape[: first + len(windows)], -1)


def _maximum(x: Array, windows: Sequence[Windows]) -> tuple[Array, Array]:
    """The largest element of each window, the first of equals, and its place in the flattened last axes."""
    sizes = x.shape[-len(windows) :]
    places = _gathered(jnp.arange(math.prod(sizes)).reshape(sizes), windows, -1)
    inside = _gathered(x, windows, -jnp.inf)
    best = jnp.argmax(inside, -1, keepdims=True)
    place = jnp.take_along_axis(jnp.broadcast_to(places, inside.shape), best, -1)
    return jnp.take_along_axis(inside, best, -1)[..., 0], place[..., 0]


def _sizes(counts: Sequence[np.ndarray]) -> np.ndarray:
    """Elements of each window of several axes from those along each axis."""
    return reduce(np.multiply.outer, counts)


@operation(
    "max_pool1d_with_indices.default", "max_pool2d_with_indices.default", "max_pool3d_with_indices.default"
)
def max_pool(
    self: Array,
    kernel_size: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    ceil_mode: bool = False,
) -> tuple[Array, Array]:
    axes = len(kernel_size)
    settings = _settings(self, axes, kernel_size, stride or kernel_size, padding, dilation)
    return _maximum(self, [_windows(ceil_mode, *one) for one in settings])


@operation("avg_pool1d.default", "avg_pool2d.default", "avg_pool3d.default")
def avg_pool(
    self: Array,
    kernel_size: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    settings = _settings(self, len(kernel_size), kernel_size, stride or kernel_size, padding)
    windows = [_windows(ceil_mode, *one) for one in settings]
    margins = [p if count_include_pad else 0 for *_, p in settings]
    counts = [
        ((w >= -m) & (w < n + m)).sum(1) for w, m, (n, *_) in zip(windows, margins, settings, strict=True)
    ]
    return jnp.sum(_gathered(self, windows, 0.0), -1) / (divisor_override or _sizes(counts))


@operation("adaptive_avg_pool1d.default", "_adaptive_avg_pool2d.default", "_adaptive_avg_pool3d.default")
def adaptive_avg_pool(self: Array, output_size: Sequence[int]) -> Array:
    windows = [_adaptive_windows(*one) for one in _settings(self, len(output_size), output_size)]
    return jnp.sum(_gathered(self, windows, 0.0), -1) / _sizes([(w >= 0).sum(1) for w in windows])


@operation("adaptive_max_pool1d.default", "adaptive_max_pool2d.default", "adaptive_max_pool3d.default")
def adaptive_max_pool(self: Array, output_size: Sequence[int]) -> tuple[Array, Array]:
    return _maximum(self, [_adaptive_windows(*one) for one in _settings(self, len(output_size), output_size)])
