"""Scaled dot-product attention."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.programs.table import operation


@operation("scaled_dot_product_attention.default")
def attention(
    query: Float[Array, "... L E"],
    key: Float[Array, "... S E"],
    value: Float[Array, "... S V"],
    attn_mask: Array | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Float[Array, "... L V"]:
    r"""softmax(scale Q K^T + mask) V. A row whose mask leaves nothing gives zeros."""
    if enable_gqa:  # fewer heads of keys than of queries: each serves several
        key, value = (jnp.repeat(a, query.shape[-3] // a.shape[-3], -3) for a in (key, value))
    scores = jnp.matmul(query, jnp.swapaxes(key, -1, -2))
    scores = scores * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    allowed = jnp.ones((), bool)
    if is_causal:
        allowed = jnp.tri(scores.shape[-2], scores.shape[-1], dtype=bool)
    elif attn_mask is not None and attn_mask.dtype == bool:
        allowed = attn_mask
    elif attn_mask is not None:
        scores, allowed = scores + attn_mask, attn_mask > -jnp.inf
    return jnp.matmul(_softmax_over(scores, allowed), value)


def _softmax_over(scores: Array, allowed: Array) -> Array:
    """Softmax over the allowed entries; where none is, zeros with zero slope rather than NaN."""
    some = jnp.any(jnp.broadcast_to(allowed, scores.shape), -1, keepdims=True)
    scores = jnp.where(allowed, scores, -jnp.inf)
    return jnp.where(some, jax.nn.softmax(jnp.where(some, scores, 0.0), -1), 0.0)


@operation("_scaled_dot_product_flash_attention_for_cpu.default")
def flash_attention(
    query: Array,
    key: Array,
    value: Array,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    attn_mask: Array | None = None,
    scale: float | None = None,
) -> tuple[Array, None]:
    return attention(query, key, value, attn_mask, dropout_p, is_causal, scale), None
