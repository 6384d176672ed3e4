"""Between the outputs and the auxiliary variables that a latent process is measured by."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from dynlearn.numerics.activations import inverse_softplus
from dynlearn.numerics.keys import split
from dynlearn.parts.networks.networks import mlp

LEAST = 1e-3
"""Of any standard deviation that a network gives, in scaled units: below it float32 has no digits left."""


class Recognition(eqx.Module):
    """q(a | y, mask) = N(E y + network(y, mask), scale^2), what was not measured entering as 0."""

    skip: Float[Array, "auxiliary output"]
    network: eqx.nn.MLP
    raw: Float[Array, " auxiliary"]

    def __call__(
        self, y: Float[Array, " output"], observed: Bool[Array, " output"]
    ) -> tuple[Float[Array, " auxiliary"], Float[Array, " auxiliary"]]:
        """Mean and standard deviation."""
        filled = jnp.where(observed, y, 0)
        found = self.network(jnp.concatenate([filled, observed.astype(y.dtype)]))
        mean, raw = jnp.split(found, 2)
        return self.skip @ filled + mean, LEAST + jax.nn.softplus(self.raw + raw)


class Decoder(eqx.Module):
    """y ~ N(D a + network(a), sigma^2)."""

    skip: Float[Array, "output auxiliary"]
    network: eqx.nn.MLP
    raw: Float[Array, " output"]

    def __call__(self, a: Float[Array, " auxiliary"]) -> Float[Array, " output"]:
        """The mean."""
        return self.skip @ a + self.network(a)

    @property
    def sigma(self) -> Float[Array, " output"]:
        return LEAST + jax.nn.softplus(self.raw)


def auxiliary_pair(
    outputs: int, auxiliary: int, width: int, depth: int, activation: str, *, key: Key[Array, ""]
) -> tuple[Recognition, Decoder]:
    """Networks that start near the identity, each variable beside one output."""
    up, down = split(key, 2)
    sizes = width, depth, activation
    start = float(inverse_softplus(0.3))
    into = mlp(2 * outputs, 2 * auxiliary, *sizes, key=up, last=0.1)
    out = mlp(auxiliary, outputs, *sizes, key=down, last=0.1)
    return (
        Recognition(jnp.eye(auxiliary, outputs), into, jnp.full(auxiliary, start)),
        Decoder(jnp.eye(outputs, auxiliary), out, jnp.full(outputs, start)),
    )
