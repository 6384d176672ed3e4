"""The almost-linear cell: a rectifier on the last few units only."""

from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from dynlearn.contract.piecewise_linear import Pieces
from dynlearn.contract.rescaling import Affine
from dynlearn.errors import ArgumentError
from dynlearn.numerics.precision import array
from dynlearn.parts.cells.cell import AbstractCell, decays, inputs, small


class AlmostLinear(AbstractCell):
    """z' = a z + W phi(z) + B v + h, with phi(z)_i = max(z_i, 0) where unit i is `bent` and z_i elsewhere."""

    rows: ClassVar[tuple[str, ...]] = ("a", "W", "drive")
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

    def rescaled(self, state: Affine, inputs: Affine) -> Self:
        """With z = T z' + t: W' = T^{-1} W T, as phi(T z' + t) = T phi(z') + t where no bent unit is shifted."""
        bent, (T, t) = np.asarray(self.bent), state
        if (bent & (t != 0)).any():
            raise ArgumentError(
                "ALRNN: some of its outputs are rectified, at their mean in training, which other units move; fit a "
                "new model to all data, from_data(train), with nonlinear <= latent - outputs."
            )
        a, W, h, B = (np.asarray(leaf, float) for leaf in (self.a, self.W, self.h, self.drive))
        h = (a * t + W @ t + B @ inputs.offset + h - t) / T
        W, B = W * T / T[:, None], B * inputs.factor / T[:, None]
        new = [array(x, self.W.dtype) for x in (W, h, B)]
        return eqx.tree_at(lambda cell: (cell.W, cell.h, cell.drive), self, new)
