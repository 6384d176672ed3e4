"""The shallow cell: one hidden layer of rectifiers beside a diagonal."""

from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from dynlearn.contract.piecewise_linear import Pieces
from dynlearn.contract.rescaling import Affine
from dynlearn.errors import ArgumentError
from dynlearn.numerics.precision import array
from dynlearn.parts.cells.cell import AbstractCell, decays, inputs, small


class Shallow(AbstractCell):
    """z' = a z + W1 relu(W2 z + c) + B v + h; clipped: relu(W2 z + c) - relu(W2 z) in its place.

    Clipped, the second term is bounded by |c|, so that with |a| < 1 no orbit leaves for infinity.
    """

    rows: ClassVar[tuple[str, ...]] = ("a", "W1", "drive")
    a: Float[Array, " z"]
    W1: Float[Array, "z hidden"]
    W2: Float[Array, "hidden z"]
    c: Float[Array, " hidden"]
    h: Float[Array, " z"]
    drive: Float[Array, "z input"]
    clipped: bool = eqx.field(static=True)

    @classmethod
    def random(cls, size: int, hidden: int, clipped: bool, count: int, key: Key[Array, ""]) -> Self:
        """Of `size` units, `hidden` rectifiers and `count` inputs; thresholds spread over the scaled data."""
        for_a, for_1, for_2, for_c, for_B = jax.random.split(key, 5)
        return cls(
            a=decays(size, for_a),
            W1=small((size, hidden), for_1),
            W2=jax.random.normal(for_2, (hidden, size)) / jnp.sqrt(size),
            c=jax.random.uniform(for_c, (hidden,), minval=-2.0, maxval=2.0),
            h=jnp.zeros(size),
            drive=inputs(size, count, for_B),
            clipped=clipped,
        )

    def __call__(self, z: Float[Array, " z"], v: Float[Array, " input"]) -> Float[Array, " z"]:
        inner = self.W2 @ z
        bent = jax.nn.relu(inner + self.c)
        if self.clipped:
            bent = bent - jax.nn.relu(inner)
        return self.a * z + self.W1 @ bent + self.drive @ v + self.h

    def pieces(self) -> Pieces:
        V, U, c = self.W1, self.W2, self.c
        if self.clipped:
            V = jnp.concatenate([V, -V], axis=1)
            U = jnp.concatenate([U, U])
            c = jnp.concatenate([c, jnp.zeros_like(c)])
        return Pieces(jnp.diag(self.a), V, U, c, self.h, self.drive)

    def rescaled(self, state: Affine, inputs: Affine) -> Self:
        """With z = T z' + t: W1' = T^{-1} W1, W2' = W2 T, c' = c + W2 t, but for rectifiers without a threshold."""
        T, t = state
        if self.clipped and (t != 0).any():
            raise ArgumentError(
                "PLRNN: half of the rectifiers of form 'clipped' have their threshold at the mean of the outputs in "
                "training, which other units move; fit a new model to all data, from_data(train), or take another form."
            )
        a, W1, W2, c, h, B = (
            np.asarray(leaf, float) for leaf in (self.a, self.W1, self.W2, self.c, self.h, self.drive)
        )
        h = (a * t + B @ inputs.offset + h - t) / T
        c, W1, W2 = c + W2 @ t, W1 / T[:, None], W2 * T
        new = [array(x, self.W1.dtype) for x in (W1, W2, c, h, B * inputs.factor / T[:, None])]
        return eqx.tree_at(lambda cell: (cell.W1, cell.W2, cell.c, cell.h, cell.drive), self, new)
