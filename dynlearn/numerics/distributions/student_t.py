"""Outputs with heavy tails."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.numerics.distributions._together import together


class StudentT(eqx.Module):
    """Independent outputs with heavy tails: mean + width t, t of `freedom` > 2 degrees of freedom."""

    mean: Float[Array, "*batch output"]
    width: Float[Array, "*batch output"]
    freedom: Float[Array, "*batch output"]

    @property
    def variance(self) -> Float[Array, "*batch output"]:
        return self.width**2 * self.freedom / (self.freedom - 2)

    @property
    def scale(self) -> Float[Array, "*batch output"]:
        return self.width * jnp.sqrt(self.freedom / (self.freedom - 2))

    def log_prob(self, value: Float[Array, "*batch output"]) -> Float[Array, "*batch output"]:
        return jax.scipy.stats.t.logpdf(value, self.freedom, self.mean, self.width)

    def joint(self, value: Float[Array, " output"]) -> Float[Array, ""]:
        return together(self, value)

    def sample(self, key: Key[Array, ""]) -> Float[Array, "*batch output"]:
        freedom = jnp.broadcast_to(self.freedom, self.mean.shape)
        return self.mean + self.width * jax.random.t(key, freedom, self.mean.shape, self.mean.dtype)
