"""Mixtures of normal laws."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.numerics.distributions.gaussian import Gaussian, MultivariateGaussian
from dynlearn.numerics.length import length


class Mixture(eqx.Module):
    """Components along the last axis but one: what an ensemble predicts, what a filter believes.

    Counted from the end, so that a rollout may stack instants before it.
    """

    components: Gaussian | MultivariateGaussian
    """Mean of shape `(..., component, output)`, and so on."""
    log_weight: Float[Array, "*batch component"] | None = None
    """Not necessarily normalised; None: equal weights."""

    @property
    def weight(self) -> Float[Array, "*batch component"]:
        """Adds up to 1."""
        if self.log_weight is None:
            shape = self.components.mean.shape[:-1]
            return jnp.full(shape, 1 / shape[-1], self.components.mean.dtype)
        return jax.nn.softmax(self.log_weight, axis=-1)

    @property
    def effective_size(self) -> Float[Array, "*batch"]:
        """1 / sum_i w_i^2: all components where they weigh the same, 1 where one has all the weight."""
        return 1 / jnp.sum(self.weight**2, axis=-1)

    @property
    def mean(self) -> Float[Array, "*batch output"]:
        return jnp.sum(self.weight[..., None] * self.components.mean, axis=-2)

    @property
    def variance(self) -> Float[Array, "*batch output"]:
        """Mean of the components' variances plus the variance of their means."""
        apart = self.components.mean - self.mean[..., None, :]
        return jnp.sum(self.weight[..., None] * (self.components.variance + apart**2), axis=-2)

    @property
    def scale(self) -> Float[Array, "*batch output"]:
        """As `variance`, as standard deviations: these are numbers where their squares are none."""
        weight = jnp.sqrt(self.weight)[..., None]
        apart = self.components.mean - self.mean[..., None, :]
        return length(jnp.concatenate([weight * self.components.scale, weight * apart], axis=-2), axis=-2)

    def log_prob(self, value: Float[Array, "*batch output"]) -> Float[Array, "*batch output"]:
        """Log density of each entry on its own."""
        each = self.components.log_prob(jnp.broadcast_to(value[..., None, :], self.components.mean.shape))
        return jax.nn.logsumexp(each, axis=-2, b=self.weight[..., None])

    def joint(self, value: Float[Array, " output"]) -> Float[Array, ""]:
        """Log density of the measured entries together (no batch axes); NaN marks the others."""
        each = jax.vmap(lambda component: component.joint(value))(self.components)
        return jax.nn.logsumexp(each, b=self.weight)

    def sample(self, key: Key[Array, ""]) -> Float[Array, "*batch output"]:
        pick, draw = jax.random.split(key)
        batch = self.components.mean.shape[:-2]
        chosen = jax.random.categorical(pick, jnp.log(self.weight), shape=batch)[..., None, None]
        return jnp.take_along_axis(self.components.sample(draw), chosen, axis=-2)[..., 0, :]
