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


class Mixture(eqx.Module):
    """Equally weighted components along the last axis but one: what an ensemble predicts.

    Counted from the end, so that a rollout may stack instants before it.
    """

    components: Gaussian
    """Mean and scale of shape `(..., component, output)`."""

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
        chosen = jax.tree.map(
            lambda leaf: jnp.take_along_axis(leaf, member, axis=-2)[..., 0, :], self.components
        )
        return chosen.sample(draw)


Distribution = Gaussian | Mixture
