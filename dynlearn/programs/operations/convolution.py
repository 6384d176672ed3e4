"""Convolution and its transpose in any number of dimensions."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from dynlearn.programs.table import operation


@operation("convolution.default")
def convolution(
    input: Float[Array, "batch channel *space"],
    weight: Float[Array, "_ _ *window"],
    bias: Float[Array, " feature"] | None,
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    transposed: bool,
    output_padding: tuple[int, ...],
    groups: int,
) -> Float[Array, "batch feature *out"]:
    dims = input.ndim - 2
    stride, padding, dilation, output_padding = (
        tuple(setting) * dims if len(setting) == 1 else tuple(setting)
        for setting in (stride, padding, dilation, output_padding)
    )
    if transposed:
        window = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
        around = [(w - p, w - p + o) for w, p, o in zip(window, padding, output_padding, strict=True)]
        strides, spread, weight = (1,) * dims, stride, _turned(weight, groups)
    else:
        around = [(p, p) for p in padding]
        strides, spread = stride, (1,) * dims
    result = lax.conv_general_dilated(
        input, weight, strides, around, lhs_dilation=spread, rhs_dilation=dilation, feature_group_count=groups
    )
    return result if bias is None else result + bias.reshape(-1, *(1,) * dims)


def _turned(weight: Float[Array, "channel feature *window"], groups: int) -> Array:
    """The kernel of the transpose: in and out exchanged within each group, the window reversed."""
    channels, features, *window = weight.shape
    split = weight.reshape(groups, channels // groups, features, *window)
    turned = jnp.swapaxes(split, 1, 2).reshape(groups * features, channels // groups, *window)
    return jnp.flip(turned, range(2, turned.ndim))
