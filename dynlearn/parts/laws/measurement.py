"""Measurement noise of models whose state moves at random."""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.numerics.activations import inverse_softplus
from dynlearn.numerics.distributions.gaussian import Gaussian


class Measurement(eqx.Module):
    """y = h(x) + sigma eps, sigma = softplus(raw) per output, in scaled units; learned with the dynamics.

    Args:
        raw: softplus^-1 of sigma, `(output,)`; `Measurement.of` takes sigma itself.
        fitted: whether a forecast may rely on it.

    >>> import jax.numpy as jnp
    >>> Measurement.of(jnp.array([0.5]), fitted=True).sigma.round(3)
    Array([0.5], dtype=float32)
    """

    raw: Float[Array, " output"]
    fitted: bool = eqx.field(static=True, default=True)

    @classmethod
    def of(cls, sigma: Float[Array, " output"], *, fitted: bool) -> Self:
        """Noise of standard deviation `sigma` > 0.

        Args:
            sigma: `(output,)`, in scaled units.
            fitted: whether a forecast may rely on it.
        """
        sigma = jnp.asarray(sigma)
        return cls(inverse_softplus(sigma), fitted)

    @property
    def sigma(self) -> Float[Array, " output"]:
        """Standard deviation per output, in scaled units."""
        return jax.nn.softplus(self.raw)

    def predictive(self, mean: Float[Array, " output"]) -> Gaussian:
        """The outputs around `mean`, in scaled units."""
        return Gaussian(mean, self.sigma)

    def as_fitted(self) -> Self:
        """The same noise, which a forecast may now rely on."""
        return type(self)(self.raw, True)
