"""The distribution of an output vector. Elementwise, so that a missing entry can be masked."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key


class Gaussian(eqx.Module):
    """Independent normal outputs: N(mean, scale^2), both of shape `(..., output)`."""

    mean: Float[Array, "*batch output"]
    scale: Float[Array, "*batch output"]

    @property
    def variance(self) -> Float[Array, "*batch output"]:
        return self.scale**2

    def log_prob(self, value: Float[Array, "*batch output"]) -> Float[Array, "*batch output"]:
        """Log density of each entry on its own."""
        return jax.scipy.stats.norm.logpdf(value, self.mean, self.scale)

    def sample(self, key: Key[Array, ""]) -> Float[Array, "*batch output"]:
        return self.mean + self.scale * jax.random.normal(key, self.mean.shape, self.mean.dtype)


class MultivariateGaussian(eqx.Module):
    """Jointly normal outputs: N(mean, chol chol^T). `scale`, `variance`, `log_prob` are of each entry on its own."""

    mean: Float[Array, "*batch output"]
    chol: Float[Array, "*batch output rank"]
    """Any factor of the covariance."""

    @property
    def variance(self) -> Float[Array, "*batch output"]:
        return jnp.sum(self.chol**2, axis=-1)

    @property
    def scale(self) -> Float[Array, "*batch output"]:
        return jnp.linalg.norm(self.chol, axis=-1)

    @property
    def covariance(self) -> Float[Array, "*batch output output"]:
        return self.chol @ jnp.swapaxes(self.chol, -1, -2)

    def log_prob(self, value: Float[Array, "*batch output"]) -> Float[Array, "*batch output"]:
        """Log density of each entry on its own."""
        return jax.scipy.stats.norm.logpdf(value, self.mean, self.scale)

    def sample(self, key: Key[Array, ""]) -> Float[Array, "*batch output"]:
        """Joint: entries vary together as the covariance says."""
        noise = jax.random.normal(key, (*self.chol.shape[:-2], self.chol.shape[-1]), self.mean.dtype)
        return self.mean + jnp.einsum("...ij,...j->...i", self.chol, noise)


class Mixture(eqx.Module):
    """Equally weighted components along the last axis but one: what an ensemble predicts.

    Counted from the end, so that a rollout may stack instants before it.
    """

    components: Gaussian | MultivariateGaussian
    """Mean of shape `(..., component, output)`, and so on."""

    @property
    def mean(self) -> Float[Array, "*batch output"]:
        return self.components.mean.mean(-2)

    @property
    def variance(self) -> Float[Array, "*batch output"]:
        """Mean of the members' variances plus the variance of their means."""
        return self.components.variance.mean(-2) + self.components.mean.var(-2)

    @property
    def scale(self) -> Float[Array, "*batch output"]:
        return jnp.sqrt(self.variance)

    def log_prob(self, value: Float[Array, "*batch output"]) -> Float[Array, "*batch output"]:
        each = self.components.log_prob(value[..., None, :])
        return jax.nn.logsumexp(each, axis=-2) - jnp.log(each.shape[-2])

    def sample(self, key: Key[Array, ""]) -> Float[Array, "*batch output"]:
        pick, draw = jax.random.split(key)
        *batch, count, _ = self.components.mean.shape
        member = jax.random.randint(pick, (*batch, 1, 1), 0, count)
        return jnp.take_along_axis(self.components.sample(draw), member, axis=-2)[..., 0, :]


Distribution = Gaussian | MultivariateGaussian | Mixture
