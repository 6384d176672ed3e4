"""Attention over patches of several series: along time within each, and between them at each patch."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from dynlearn.numerics.fixed import Fixed

LEAST = 1e-5


class Attention(eqx.Module):
    """Multi-head attention softmax(q k^T / sqrt(n)) v over the rows of x, those only that are `present`."""

    project: Float[Array, "3 head width part"]
    out: Float[Array, "head part width"]

    def __init__(self, width: int, heads: int, key: Key[Array, ""]):
        part = width // heads
        for_project, for_out = jax.random.split(key)
        self.project = jax.random.normal(for_project, (3, heads, width, part)) / np.sqrt(width)
        self.out = jax.random.normal(for_out, (heads, part, width)) / np.sqrt(4 * width)

    def __call__(
        self, x: Float[Array, "row width"], present: Bool[Array, " row"], turned: bool
    ) -> Float[Array, "row width"]:
        q, k, v = jnp.einsum("rw,chwp->chrp", x, self.project)
        if turned:
            q, k = _turned(q), _turned(k)
        score = jnp.einsum("hrp,hsp->hrs", q, k) / np.sqrt(q.shape[-1])
        weight = jax.nn.softmax(jnp.where(present, score, -1e9))
        return jnp.einsum("hrs,hsp,hpw->rw", weight, v, self.out)


def _turned(x: Float[Array, "head row part"]) -> Float[Array, "head row part"]:
    """Rotary positions, counted from the last row, so that a shorter context looks the same."""
    half = x.shape[-1] // 2
    rate = 100.0 ** (-np.arange(half) / half)
    angle = jnp.asarray((np.arange(x.shape[1]) - x.shape[1] + 1)[:, None] * rate, x.dtype)
    a, b = x[..., :half], x[..., half : 2 * half]
    return jnp.concatenate(
        [a * jnp.cos(angle) - b * jnp.sin(angle), a * jnp.sin(angle) + b * jnp.cos(angle)], -1
    )


class Block(eqx.Module):
    """x + along time, x + between series, x + a perceptron; each of what is normalised."""

    along: Attention
    between: Attention
    up: Float[Array, "width inner"]
    down: Float[Array, "inner width"]
    gain: Float[Array, "3 width"]

    def __init__(self, width: int, heads: int, key: Key[Array, ""]):
        keys = jax.random.split(key, 4)
        self.along, self.between = Attention(width, heads, keys[0]), Attention(width, heads, keys[1])
        self.up = jax.random.normal(keys[2], (width, 4 * width)) / np.sqrt(width)
        self.down = jax.random.normal(keys[3], (4 * width, width)) / np.sqrt(16 * width)
        self.gain = jnp.ones((3, width))

    def __call__(
        self, x: Float[Array, "series patch width"], present: Bool[Array, "series patch"]
    ) -> Float[Array, "series patch width"]:
        y = normalised(x) * self.gain[0]
        x = x + jax.vmap(lambda one, p: self.along(one, p, True))(y, present)
        y = normalised(x) * self.gain[1]
        x = x + jax.vmap(lambda one, p: self.between(one, p, False), in_axes=1, out_axes=1)(y, present)
        y = normalised(x) * self.gain[2]
        return x + times(jax.nn.relu(times(y, self.up)), self.down)


def times(x: Float[Array, "*batch inner"], W: Float[Array, "inner outer"]) -> Float[Array, "*batch outer"]:
    """x W by one product of two matrices: sums over several axes at once, in its gradient, are slow on a CPU."""
    return (x.reshape(-1, W.shape[0]) @ W).reshape(*x.shape[:-1], W.shape[1])


def normalised(x: Float[Array, "*batch width"]) -> Float[Array, "*batch width"]:
    return x * jax.lax.rsqrt((x**2).mean(-1, keepdims=True) + LEAST)


class PatchEmbedding(eqx.Module):
    """A patch, products of pairs of its samples, and its mask, as one token."""

    pairs: "Pairs"
    weight: Float[Array, "feature width"]

    def __init__(self, patch: int, width: int, key: Key[Array, ""]):
        for_pairs, for_weight = jax.random.split(key)
        self.pairs = Pairs(jax.random.randint(for_pairs, (2, 2 * patch), 0, patch))
        features = 4 * patch
        self.weight = jax.random.normal(for_weight, (features, width)) / np.sqrt(features)

    def __call__(
        self, x: Float[Array, "*batch sample"], seen: Bool[Array, "*batch sample"]
    ) -> Float[Array, "*batch width"]:
        first, second = self.pairs.index
        products = x[..., first] * x[..., second]
        return times(jnp.concatenate([x, products, seen.astype(x.dtype)], -1), self.weight)


class Pairs(Fixed):
    """Drawn once and not trained."""

    index: Array
