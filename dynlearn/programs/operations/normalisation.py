"""Normalisation by means and variances, of the sample or remembered."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from dynlearn.programs.table import operation


def _standardised(x: Array, axes: tuple[int, ...], eps: float) -> tuple[Array, Array, Array]:
    centre = jnp.mean(x, axes, keepdims=True)
    inverse = lax.rsqrt(jnp.var(x, axes, keepdims=True) + eps)
    return (x - centre) * inverse, centre, inverse


def _affine(x: Array, weight: Array | None, bias: Array | None) -> Array:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _per_channel(array: Float[Array, " channel"], like: Array) -> Array:
    """Along the second axis of `like`."""
    return array.reshape(-1, *(1,) * (like.ndim - 2))


def _affine_per_channel(x: Array, weight: Array | None, bias: Array | None) -> Array:
    return _affine(x, *(None if a is None else _per_channel(a, x) for a in (weight, bias)))


@operation("native_layer_norm.default")
def native_layer_norm(
    input: Array, normalized_shape: Sequence[int], weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    axes = tuple(range(-len(normalized_shape), 0))
    x, centre, inverse = _standardised(input, axes, eps)
    return _affine(x, weight, bias), centre, inverse


@operation("layer_norm.default")
def layer_norm(
    input: Array,
    normalized_shape: Sequence[int],
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Array:
    return native_layer_norm(input, normalized_shape, weight, bias, eps)[0]


@operation("native_group_norm.default")
def native_group_norm(
    input: Float[Array, "batch channel *space"],
    weight: Array | None,
    bias: Array | None,
    N: int,
    C: int,
    HxW: int,
    group: int,
    eps: float,
) -> tuple[Array, Array, Array]:
    x, centre, inverse = _standardised(input.reshape(N, group, -1), (2,), eps)
    x = _affine_per_channel(x.reshape(input.shape), weight, bias)
    return x, centre[..., 0], inverse[..., 0]


@operation("_native_batch_norm_legit_no_training.default")
def batch_norm_remembered(
    input: Float[Array, "batch channel *space"],
    weight: Array | None,
    bias: Array | None,
    running_mean: Array,
    running_var: Array,
    momentum: float,
    eps: float,
) -> tuple[Array, Array, Array]:
    centre, inverse = (_per_channel(a, input) for a in (running_mean, lax.rsqrt(running_var + eps)))
    x = _affine_per_channel((input - centre) * inverse, weight, bias)
    return x, jnp.zeros(0), jnp.zeros(0)


@operation("_native_batch_norm_legit.no_stats")
def batch_norm_of_sample(
    input: Float[Array, "batch channel *space"],
    weight: Array | None,
    bias: Array | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Array, Array, Array]:
    x, centre, inverse = _standardised(input, (0, *range(2, input.ndim)), eps)
    return _affine_per_channel(x, weight, bias), centre.ravel(), inverse.ravel()
