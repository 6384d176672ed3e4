"""Almost-linear cells side by side, whose images are mixed."""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from dynlearn.parts.cells.cell import decays, inputs, small


class AlmostLinearExperts(eqx.Module):
    """z' = sum_j g_j (a_j z + W_j phi(z) + B_j v + h_j), phi as of `AlmostLinear`, the same for all."""

    a: Float[Array, "expert z"]
    W: Float[Array, "expert z z"]
    h: Float[Array, "expert z"]
    drive: Float[Array, "expert z input"]
    bent: Bool[Array, " z"]

    @classmethod
    def random(cls, experts: int, size: int, bent: int, count: int, follow: int, key: Key[Array, ""]) -> Self:
        """So many experts of `size` units, the last `bent` of them rectified, and `count` inputs.

        The first `follow` units of each are the first so many inputs, as nearly as weights near zero allow.
        """
        for_a, for_W, for_B = jax.random.split(key, 3)
        first = jnp.arange(follow)
        quiet = jnp.where(jnp.arange(size) < follow, 0.01, 1.0)[:, None]
        drive = quiet * inputs(experts * size, count, for_B).reshape(experts, size, count)
        return cls(
            a=decays(experts * size, for_a).reshape(experts, size).at[:, :follow].set(0),
            W=quiet * small((experts, size, size), for_W),
            h=jnp.zeros((experts, size)),
            drive=drive.at[:, first, first].set(1),
            bent=jnp.arange(size) >= size - bent,
        )

    def __call__(
        self, z: Float[Array, " z"], v: Float[Array, " input"], weight: Float[Array, " expert"]
    ) -> Float[Array, " z"]:
        phi = jnp.where(self.bent, jax.nn.relu(z), z)
        return weight @ (self.a * z + self.W @ phi + self.drive @ v + self.h)
