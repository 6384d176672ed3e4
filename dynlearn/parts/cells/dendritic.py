"""The dendritic cell: every unit sees itself and the others through several rectifiers with thresholds of their own."""

from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from dynlearn.contract.piecewise_linear import Pieces
from dynlearn.contract.rescaling import Affine
from dynlearn.numerics.precision import array
from dynlearn.parts.cells.cell import AbstractCell, decays, inputs, small


class Dendritic(AbstractCell):
    """z' = a z + W sum_b w_b relu(z - c_b) + B v + h."""

    rows: ClassVar[tuple[str, ...]] = ("a", "W", "drive")
    a: Float[Array, " z"]
    W: Float[Array, "z z"]
    w: Float[Array, " base"]
    c: Float[Array, "base z"]
    h: Float[Array, " z"]
    drive: Float[Array, "z input"]

    @classmethod
    def random(cls, size: int, bases: int, count: int, key: Key[Array, ""]) -> Self:
        """Of `size` units with `bases` rectifiers each and `count` inputs; thresholds spread over the scaled data."""
        for_a, for_W, for_w, for_c, for_B = jax.random.split(key, 5)
        return cls(
            a=decays(size, for_a),
            W=small((size, size), for_W),
            w=jax.random.normal(for_w, (bases,)) / jnp.sqrt(bases),
            c=jax.random.uniform(for_c, (bases, size), minval=-2.0, maxval=2.0),
            h=jnp.zeros(size),
            drive=inputs(size, count, for_B),
        )

    def __call__(self, z: Float[Array, " z"], v: Float[Array, " input"]) -> Float[Array, " z"]:
        phi = self.w @ jax.nn.relu(z - self.c)
        return self.a * z + self.W @ phi + self.drive @ v + self.h

    def pieces(self) -> Pieces:
        bases, size = self.c.shape
        V = (self.w[:, None, None] * self.W).transpose(1, 0, 2).reshape(size, bases * size)
        U = jnp.tile(jnp.eye(size, dtype=self.W.dtype), (bases, 1))
        return Pieces(jnp.diag(self.a), V, U, -self.c.ravel(), self.h, self.drive)

    def rescaled(self, state: Affine, inputs: Affine) -> Self:
        """With z = T z' + t: relu(T z' + t - c) = T relu(z' - (c - t) / T), so that W' = T^{-1} W T."""
        T, t = state
        a, W, c, h, B = (np.asarray(leaf, float) for leaf in (self.a, self.W, self.c, self.h, self.drive))
        h = (a * t + B @ inputs.offset + h - t) / T
        W, c, B = W * T / T[:, None], (c - t) / T, B * inputs.factor / T[:, None]
        new = [array(x, self.W.dtype) for x in (W, c, h, B)]
        return eqx.tree_at(lambda cell: (cell.W, cell.c, cell.h, cell.drive), self, new)
