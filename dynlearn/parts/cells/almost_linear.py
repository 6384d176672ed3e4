"""The almost-linear cell: a rectifier on the last few units only."""

from typing import Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from dynlearn.contract.piecewise_linear import Pieces
from dynlearn.parts.cells.cell import AbstractCell, decays, inputs, small


class AlmostLinear(AbstractCell):
    """z' = a z + W phi(z) + B v + h, with phi(z)_i = max(z_i, 0) where unit i is `bent` and z_i elsewhere."""

    a: Float[Array, " z"]
    """The diagonal of A."""
    W: Float[Array, "z z"]
    h: Float[Array, " z"]
    drive: Float[Array, "z input"]
    bent: Bool[Array, " z"]
    """An array, so that members of a population may differ in how many units are bent."""

    @classmethod
    def random(cls, size: int, bent: int, count: int, key: Key[Array, ""]) -> Self:
        """Of `size` units, the last `bent` of them bent, and `count` inputs."""
        for_a, for_W, for_B = jax.random.split(key, 3)
        return cls(
            a=decays(size, for_a),
            W=small((size, size), for_W),
            h=jnp.zeros(size),
            drive=inputs(size, count, for_B),
            bent=jnp.arange(size) >= size - bent,
        )

    def __call__(self, z: Float[Array, " z"], v: Float[Array, " input"]) -> Float[Array, " z"]:
        phi = jnp.where(self.bent, jax.nn.relu(z), z)
        return self.a * z + self.W @ phi + self.drive @ v + self.h

    def pieces(self) -> Pieces:
        # A unit that is not bent has a row of zeros in U, and is never on.
        linear = jnp.where(self.bent, 0, self.W)
        A, V = jnp.diag(self.a) + linear, jnp.where(self.bent, self.W, 0)
        U = jnp.diag(self.bent.astype(self.W.dtype))
        return Pieces(A, V, U, jnp.zeros_like(self.h), self.h, self.drive)
