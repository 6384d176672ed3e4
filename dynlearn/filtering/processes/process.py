"""One run of a state-space model with Gaussian transitions and outputs of any law."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from cuthbertlib.linearize import linearize_moments
from jaxtyping import Array, Bool, Float, Key, PyTree

from dynlearn.filtering.contract import AbstractProcess, Tangent
from dynlearn.numerics.distributions import Distribution
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian
from dynlearn.numerics.linear.conditional_noise import given_measured


class Process(AbstractProcess):
    r"""x_0 ~ start,    x_k | x_{k-1} ~ move(x_{k-1}, into_k),    y_k | x_k ~ emit(x_k, at_k).

    `into` and `at` are what the two laws need to know at each sample (instants, controls), leading
    axis time. Where `moves` is false, before the first sample and in the padding, the state stays.
    """

    start: MultivariateGaussian
    move: Callable[[Float[Array, " state"], PyTree], MultivariateGaussian]
    emit: Callable[[Float[Array, " state"], PyTree], Distribution]
    into: PyTree
    at: PyTree
    moves: Bool[Array, " time"]
    y: Float[Array, "time output"]

    @property
    def states(self) -> int:
        return self.start.mean.shape[-1]

    @property
    def rows(self) -> tuple[PyTree, PyTree, Bool[Array, " time"], Float[Array, "time output"]]:
        """What belongs to one sample, with a leading time axis: (into, at, moves, y)."""
        return self.into, self.at, self.moves, self.y

    @property
    def prior(self) -> MultivariateGaussian:
        """Of the state at the first sample, before it is measured."""
        return self.start

    def going_on(self, belief: MultivariateGaussian) -> "Process":
        """The same samples with `belief`, predicted of the first one, in place of the prior."""
        return eqx.tree_at(lambda process: process.start, self, belief)

    def tangents(self, x: Float[Array, "time component state"]) -> Tangent:
        return Tangent(*jax.vmap(lambda x, at: jax.vmap(lambda x: self.tangent(x, at))(x))(x, self.at))

    def tangent(self, x: Float[Array, " state"], at: PyTree) -> tuple[Array, Array, Array]:
        """(H, d, chol_R) of the outputs at one state of one sample."""
        return linearize_moments(lambda x: moments(self.emit(x, at)), x)

    def draw(self, x: Float[Array, "time state"], key: Key[Array, ""]) -> Float[Array, "time output"]:
        def one(x, at, y, key):
            law = self.emit(x, at)
            if isinstance(law, MultivariateGaussian):
                # Entries measured at the same instant say something of the others' noise.
                nothing = jnp.zeros((*law.mean.shape, 0), law.mean.dtype)
                _, b, L = given_measured(nothing, law.mean, law.chol, y)
                return b + L @ jax.random.normal(key, b.shape, b.dtype)
            return jnp.where(jnp.isnan(y), law.sample(key), y)

        return jax.vmap(one)(x, self.at, self.y, jax.random.split(key, x.shape[0]))


def moments(law: Distribution) -> tuple[Float[Array, " output"], Float[Array, "output rank"]]:
    """Mean and a factor of the covariance."""
    return law.mean, law.chol if isinstance(law, MultivariateGaussian) else jnp.diag(law.scale)
