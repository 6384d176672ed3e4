"""Normal outputs, independent or joint."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.numerics.distributions._together import together
from dynlearn.numerics.length import length
from dynlearn.numerics.linear.triangular import tria


def normal(
    value: Float[Array, "*batch"], mean: Float[Array, "*batch"], scale: Float[Array, "*#batch"]
) -> Float[Array, "*batch"]:
    """log N(value; mean, scale^2), without squaring a scale whose square is no number any more."""
    z = (value - mean) / scale
    return -0.5 * z**2 - jnp.log(scale) - 0.5 * math.log(2 * math.pi)


class Gaussian(eqx.Module):
    """Independent normal outputs: N(mean, scale^2), both of shape `(..., output)`, or one scale for all means."""

    mean: Float[Array, "*batch output"]
    scale: Float[Array, "*#batch output"]

    @property
    def variance(self) -> Float[Array, "*batch output"]:
        return self.scale**2

    def log_prob(self, value: Float[Array, "*batch output"]) -> Float[Array, "*batch output"]:
        """Log density of each entry on its own."""
        return normal(value, self.mean, self.scale)

    def joint(self, value: Float[Array, " output"]) -> Float[Array, ""]:
        """Log density of the measured entries together (no batch axes); NaN marks the others."""
        return together(self, value)

    def sample(self, key: Key[Array, ""]) -> Float[Array, "*batch output"]:
        return self.mean + self.scale * jax.random.normal(key, self.mean.shape, self.mean.dtype)


def square(factor: Float[Array, "n rank"]) -> Float[Array, "n n"]:
    """A square factor of the same covariance."""
    n, rank = factor.shape
    if rank > n:
        return tria(factor)
    return jnp.concatenate([factor, jnp.zeros((n, n - rank), factor.dtype)], axis=1)


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
        return length(self.chol, axis=-1)

    @property
    def covariance(self) -> Float[Array, "*batch output output"]:
        return self.chol @ jnp.swapaxes(self.chol, -1, -2)

    def log_prob(self, value: Float[Array, "*batch output"]) -> Float[Array, "*batch output"]:
        """Log density of each entry on its own."""
        return normal(value, self.mean, self.scale)

    def joint(self, value: Float[Array, " output"]) -> Float[Array, ""]:
        """Log density of the measured entries together (no batch axes); NaN marks the others."""
        from cuthbertlib.stats import multivariate_normal  # it imports numba, which few ask for

        return multivariate_normal.logpdf(value, self.mean, tria(square(self.chol)), nan_support=True)

    def sample(self, key: Key[Array, ""]) -> Float[Array, "*batch output"]:
        """Joint: entries vary together as the covariance says."""
        noise = jax.random.normal(key, (*self.chol.shape[:-2], self.chol.shape[-1]), self.mean.dtype)
        return self.mean + jnp.einsum("...ij,...j->...i", self.chol, noise)
