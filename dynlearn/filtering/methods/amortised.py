"""Amortised auxiliary variables: a process seen through a network, filtered by what an encoder says of it."""

from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from dynlearn.filtering.contract import AbstractInference, AbstractProcess, Filtered, Smoothed, Tangent
from dynlearn.filtering.kalman.chain import Chain
from dynlearn.filtering.methods.exact import Exact
from dynlearn.filtering.methods.gaussian import Extended
from dynlearn.filtering.processes.process import Process
from dynlearn.numerics.distributions.gaussian import Gaussian, MultivariateGaussian
from dynlearn.numerics.distributions.mixture import Mixture
from dynlearn.numerics.linear.conditional_noise import given_measured
from dynlearn.numerics.plain import plain


class AmortisedProcess(AbstractProcess):
    r"""A chain or process measured by a_k,  y_k ~ N(decode(a_k), sigma^2),  q(a_k | y_k) = N(mean_k, scale_k^2).

    `known` marks the samples of which anything was measured; the others have no auxiliary variable.
    """

    latent: Chain | Process
    """With NaN for measurements: these are drawn."""
    mean: Float[Array, "time auxiliary"]
    scale: Float[Array, "time auxiliary"]
    known: Bool[Array, " time"]
    decode: Callable[[Float[Array, " auxiliary"]], Float[Array, " output"]]
    sigma: Float[Array, " output"]
    y: Float[Array, "time output"]

    def given(self, a: Float[Array, "time auxiliary"]) -> Chain | Process:
        """The latent process, measured as `a` wherever anything was."""
        return eqx.tree_at(lambda p: p.y, self.latent, jnp.where(self.known[:, None], a, jnp.nan))

    def drawn(self, key: Key[Array, ""]) -> Float[Array, "time auxiliary"]:
        """a ~ q."""
        return self.mean + self.scale * jax.random.normal(key, self.mean.shape, self.mean.dtype)

    def log_ratio(self, a: Float[Array, "time auxiliary"]) -> Float[Array, " time"]:
        """log p(y_k | a_k) - log q(a_k | y_k), 0 where nothing was measured."""
        measured = ~jnp.isnan(self.y)
        y = jnp.where(measured, self.y, 0)
        each = Gaussian(jax.vmap(self.decode)(a), self.sigma).log_prob(y)
        q = Gaussian(self.mean, self.scale).log_prob(a).sum(-1)
        return jnp.where(self.known, jnp.where(measured, each, 0).sum(-1) - q, 0)

    def tangents(self, x: Float[Array, "time component state"]) -> Tangent:
        """The decoder linear around the auxiliary variable's mean given each state."""

        def one(x, H, d, chol_R):
            mean = H @ x + d
            J = jax.jacfwd(self.decode)(mean)
            return (
                J @ H,
                self.decode(mean) - J @ H @ x,
                jnp.concatenate([J @ chol_R, jnp.diag(self.sigma)], 1),
            )

        return Tangent(*jax.vmap(jax.vmap(one))(x, *self.latent.tangents(x)))

    def draw(self, x: Float[Array, "time state"], key: Key[Array, ""]) -> Float[Array, "time output"]:
        """Through the decoder as it is; where a part of the outputs was measured, through its tangent."""
        for_a, for_y, for_rest = jax.random.split(key, 3)
        near = jax.tree.map(lambda leaf: leaf[:, 0], self.tangents(x[:, None]))
        nothing = jnp.zeros((*self.y.shape, 0), x.dtype)
        mean = jnp.einsum("kij,kj->ki", near.H, x) + near.d
        _, b, L = jax.vmap(given_measured)(nothing, mean, near.chol_R, self.y)
        partly = b + jnp.einsum("kij,kj->ki", L, jax.random.normal(for_rest, b.shape, b.dtype))
        H, d, chol_R = jax.tree.map(lambda leaf: leaf[:, 0], self.latent.tangents(x[:, None]))
        a = MultivariateGaussian(jnp.einsum("kij,kj->ki", H, x) + d, chol_R).sample(for_a)
        fresh = Gaussian(jax.vmap(self.decode)(a), self.sigma).sample(for_y)
        return jnp.where(self.known[:, None], partly, fresh)


class Amortised(AbstractInference):
    """Draws of the auxiliary variables from the encoder, and the latent process filtered given each.

        a_s ~ q(a | y),    p(z | y) ~ mean_s p(z | a_s),
        log p(y_0 .. y_k) >= E log mean_s p(y_0..k | a_s) p(a_s,0..k) / q(a_s,0..k | y_0..k)

    `log_density` has the increments over k of the logarithm on the right: a lower bound in
    expectation, the ELBO with one draw, tighter with more. The latent process is a chain and
    filtered exactly, or else by the extended Kalman filter, the bound then up to its linearisation.

    Args:
        samples: draws.

    References: Ansari, Heng, Lim, Soh, "Neural continuous-discrete state space models for
    irregularly-sampled time series", ICML 2023; Burda, Grosse, Salakhutdinov, "Importance weighted
    autoencoders", ICLR 2016.

    >>> import dynlearn as dl
    >>> ds = dl.from_arrays([[[0.0], [0.1], [0.3]]], times=[0.0, 1.0, 3.0])
    >>> model = dl.models.ContinuousDiscrete.from_data(ds, form="linear", states=1, width=4, key=0)
    >>> dl.filter(model.as_fitted(), ds, method=Amortised(samples=4))["state_mean"].shape
    (1, 3, 1)
    """

    references: ClassVar[tuple[str, ...]] = ("ansari2023neural", "burda2016importance")
    samples: int = eqx.field(static=True, converter=plain, default=16)

    @property
    def takes(self) -> type[AbstractProcess]:
        return AmortisedProcess

    def filter(self, process: AmortisedProcess, key: Key[Array, ""]) -> Filtered:
        def one(key):
            a = process.drawn(key)
            latent = process.given(a)
            found = method_for(latent).filter(latent, key)
            return found, found.log_density + process.log_ratio(a)

        found, density = jax.vmap(one)(jax.random.split(key, self.samples))
        weight = jax.nn.logsumexp(jnp.cumsum(density, axis=1), axis=0) - jnp.log(self.samples)
        return Filtered(_mixed(found.predicted), _mixed(found.filtered), jnp.diff(weight, prepend=0))

    def smooth(self, process: AmortisedProcess, samples: int, key: Key[Array, ""]) -> Smoothed:
        each = -(-samples // self.samples)

        def one(key):
            for_a, for_paths = jax.random.split(key)
            latent = process.given(process.drawn(for_a))
            return method_for(latent).smooth(latent, each, for_paths)

        found = jax.vmap(one)(jax.random.split(key, self.samples))
        # The components take turns along the draws, so that any number of these is balanced.
        draws = jnp.swapaxes(found.draws, 0, 1).reshape(each * self.samples, *found.draws.shape[2:])[:samples]
        return Smoothed(_mixed(found.smoothed), draws)


def method_for(latent: Chain | Process) -> AbstractInference:
    """Exact where it can be."""
    return Exact() if isinstance(latent, Chain) else Extended()


def _mixed(beliefs: Mixture) -> Mixture:
    """One Gaussian per draw, with equal weights."""
    each: Any = beliefs.components
    mean, chol = each.mean[:, :, 0], each.chol[:, :, 0]
    return Mixture(MultivariateGaussian(jnp.moveaxis(mean, 0, 1), jnp.moveaxis(chol, 0, 1)))
