"""Measurement noise of models whose state moves at random."""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.numerics.distributions import Gaussian


class Measurement(eqx.Module):
    """y = h(x) + sigma eps, sigma = softplus(raw) per output, in scaled units; learned with the dynamics."""

    raw: Float[Array, " output"]
    fitted: bool = eqx.field(static=True, default=True)

    @classmethod
    def of(cls, sigma: Float[Array, " output"], *, fitted: bool) -> Self:
        """Noise of standard deviation `sigma` > 0."""
        sigma = jnp.asarray(sigma)
        return cls(sigma + jnp.log(-jnp.expm1(-sigma)), fitted)

    @property
    def sigma(self) -> Float[Array, " output"]:
        return jax.nn.softplus(self.raw)

    def predictive(self, mean: Float[Array, " output"]) -> Gaussian:
        return Gaussian(mean, self.sigma)

    def as_fitted(self) -> Self:
        return type(self)(self.raw, True)
