"""Counts and 0/1 outputs."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.numerics.distributions._together import together


class Poisson(eqx.Module):
    """Independent counts; `mean` > 0 is the rate."""

    mean: Float[Array, "*batch output"]

    @property
    def variance(self) -> Float[Array, "*batch output"]:
        return self.mean

    @property
    def scale(self) -> Float[Array, "*batch output"]:
        return jnp.sqrt(self.mean)

    def log_prob(self, value: Float[Array, "*batch output"]) -> Float[Array, "*batch output"]:
        """-inf where `value` is no count."""
        return jax.scipy.stats.poisson.logpmf(value, self.mean)

    def joint(self, value: Float[Array, " output"]) -> Float[Array, ""]:
        return together(self, value)

    def sample(self, key: Key[Array, ""]) -> Float[Array, "*batch output"]:
        return jax.random.poisson(key, self.mean).astype(self.mean.dtype)


class NegativeBinomial(eqx.Module):
    """Independent counts of variance mean + mean^2 / size: more spread than Poisson's, which is size -> infinity."""

    mean: Float[Array, "*batch output"]
    size: Float[Array, "*batch output"]

    @property
    def variance(self) -> Float[Array, "*batch output"]:
        return self.mean + self.mean**2 / self.size

    @property
    def scale(self) -> Float[Array, "*batch output"]:
        return self.mean * jnp.sqrt(1 / self.mean + 1 / self.size)

    def log_prob(self, value: Float[Array, "*batch output"]) -> Float[Array, "*batch output"]:
        """-inf where `value` is no count."""
        log_p = jax.scipy.stats.nbinom.logpmf(value, self.size, self.size / (self.size + self.mean))
        return jnp.where(value == jnp.round(value), log_p, -jnp.inf)

    def joint(self, value: Float[Array, " output"]) -> Float[Array, ""]:
        return together(self, value)

    def sample(self, key: Key[Array, ""]) -> Float[Array, "*batch output"]:
        """A Poisson count whose rate is drawn from a gamma distribution."""
        for_rate, for_count = jax.random.split(key)
        size = jnp.broadcast_to(self.size, self.mean.shape)
        rate = self.mean / size * jax.random.gamma(for_rate, size, dtype=self.mean.dtype)
        return jax.random.poisson(for_count, rate).astype(self.mean.dtype)


class Bernoulli(eqx.Module):
    """Independent 0/1 outputs; `logit` = log p(1) / p(0)."""

    logit: Float[Array, "*batch output"]

    @property
    def mean(self) -> Float[Array, "*batch output"]:
        return jax.nn.sigmoid(self.logit)

    @property
    def variance(self) -> Float[Array, "*batch output"]:
        return jax.nn.sigmoid(self.logit) * jax.nn.sigmoid(-self.logit)

    @property
    def scale(self) -> Float[Array, "*batch output"]:
        return jnp.sqrt(self.variance)

    def log_prob(self, value: Float[Array, "*batch output"]) -> Float[Array, "*batch output"]:
        """-inf where `value` is neither 0 nor 1."""
        log_p = value * jax.nn.log_sigmoid(self.logit) + (1 - value) * jax.nn.log_sigmoid(-self.logit)
        return jnp.where((value == 0) | (value == 1), log_p, -jnp.inf)

    def joint(self, value: Float[Array, " output"]) -> Float[Array, ""]:
        return together(self, value)

    def sample(self, key: Key[Array, ""]) -> Float[Array, "*batch output"]:
        return jax.random.bernoulli(key, self.mean).astype(self.logit.dtype)
