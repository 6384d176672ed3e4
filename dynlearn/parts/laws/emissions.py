"""Outputs of nonlinear state-space models: their mean, a function of the state, and the law around it."""

from collections.abc import Callable
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.contract.scaling import Scaling
from dynlearn.numerics.activations import inverse_softplus
from dynlearn.numerics.distributions import Distribution
from dynlearn.numerics.distributions.counts import Bernoulli, NegativeBinomial, Poisson
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian
from dynlearn.numerics.distributions.student_t import StudentT
from dynlearn.parts.transitions.linear_systems import Noise

LAWS = ("gaussian", "student_t", "poisson", "negative_binomial", "bernoulli")


class LinkedEmission(eqx.Module):
    """link(C x + d + network(x, s)), scaled: the mean of the outputs, of counts their rate, of 0/1 the logit."""

    C: Float[Array, "output state"]
    d: Float[Array, " output"]
    network: eqx.nn.MLP | None
    """None: linear."""

    def __call__(self, law: str, x, s, scaling: Scaling) -> Float[Array, " output"]:
        found = self.C @ x + self.d
        if self.network is not None:
            found = found + self.network(jnp.concatenate([x, s]))
        return jax.nn.softplus(found) if law in ("poisson", "negative_binomial") else found


class GivenEmission(eqx.Module):
    """h(x, s) of the user's own: the mean of the outputs in physical units, of 0/1 the probability of 1."""

    function: Callable[..., Float[Array, " output"]]

    def __call__(self, law: str, x, s, scaling: Scaling) -> Float[Array, " output"]:
        found = self.function(x, scaling.static_inverse(s))
        if law == "bernoulli":
            return jnp.log(found) - jnp.log1p(-found)
        return scaling.output(found)


class Emission(eqx.Module):
    """y ~ law(h(x, s)), scaled."""

    mean: LinkedEmission | GivenEmission
    raw: Float[Array, "parameter output"]
    """softplus^-1 of the law's own parameters (width, degrees of freedom beyond 2, size), one row each."""
    noise: Noise | None
    """Covariance of Gaussian outputs."""
    law: str = eqx.field(static=True)
    fitted: bool = eqx.field(static=True, default=False)

    def as_fitted(self) -> Self:
        return type(self)(self.mean, self.raw, self.noise, self.law, True)

    def __call__(self, x: Array, s: Array, scaling: Scaling) -> Distribution:
        eta = self.mean(self.law, x, s, scaling)
        own = jax.nn.softplus(self.raw)
        if self.noise is not None:
            return MultivariateGaussian(eta, self.noise.chol)
        if self.law == "student_t":
            return StudentT(eta, own[0], 2 + own[1])
        if self.law == "negative_binomial":
            return NegativeBinomial(eta, own[0])
        return Poisson(eta) if self.law == "poisson" else Bernoulli(eta)


def first_parameters(law: str, outputs: int, width: float) -> Float[Array, "parameter output"]:
    """Of a law before a fit, beside the covariance of a Gaussian one: a width, 4 degrees of freedom, a size of 10."""
    values = {"student_t": [width, 2.0], "negative_binomial": [10.0]}.get(law, [])
    return inverse_softplus(jnp.asarray(values)[:, None] * jnp.ones(outputs))


def physical(law: Distribution, scaling: Scaling) -> Distribution:
    """The law of the outputs in physical units; counts and 0/1 have no others."""
    if isinstance(law, Poisson | NegativeBinomial | Bernoulli):
        return law
    mean, scale = scaling.output_inverse(law.mean), scaling.output_scale
    if isinstance(law, StudentT):
        return StudentT(mean, scale * law.width, law.freedom)
    if isinstance(law, MultivariateGaussian):
        return MultivariateGaussian(mean, scale[:, None] * law.chol)
    raise TypeError(f"no physical units known for {type(law).__name__}")
