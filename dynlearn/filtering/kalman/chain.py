"""A linear Gaussian chain: one run of a linear state-space model."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.filtering.contract import AbstractProcess, Tangent
from dynlearn.filtering.processes.process import Process
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian
from dynlearn.numerics.linear.conditional_noise import given_measured


class Chain(AbstractProcess):
    r"""One run of a linear Gaussian state-space model, all its matrices per sample.

        x_0 = c_0 + Q_0^{1/2} w_0,    x_k = F_k x_{k-1} + c_k + Q_k^{1/2} w_k,    y_k = H_k x_k + d_k + R_k^{1/2} v_k,

    w, v standard normal. Row 0 of F is zero, so that the prior is the first transition; row k is
    the transition *into* sample k. An entry of y that is NaN was not measured and adds nothing,
    whatever its noise is correlated with.
    """

    F: Float[Array, "*time state state"]
    c: Float[Array, "*time state"]
    chol_Q: Float[Array, "*time state state"]
    H: Float[Array, "*time output state"]
    d: Float[Array, "*time output"]
    chol_R: Float[Array, "*time output output"]
    y: Float[Array, "*time output"]

    def padded(self, moves: Array) -> "Chain":
        """With no transition (F = I, c = 0, Q = 0) where `moves` is false, the first row excepted."""
        moves = moves.at[0].set(True)
        n = self.c.shape[-1]
        return Chain(
            jnp.where(moves[:, None, None], self.F, jnp.eye(n, dtype=self.F.dtype)),
            jnp.where(moves[:, None], self.c, 0),
            jnp.where(moves[:, None, None], self.chol_Q, 0),
            self.H,
            self.d,
            self.chol_R,
            self.y,
        )

    @property
    def prior(self) -> MultivariateGaussian:
        """Of the state at the first sample, before it is measured."""
        return MultivariateGaussian(self.c[0], self.chol_Q[0])

    def going_on(self, belief: MultivariateGaussian) -> "Chain":
        """The same rows with `belief`, predicted of the first sample, in place of the prior."""
        first = self.F.at[0].set(0), self.c.at[0].set(belief.mean), self.chol_Q.at[0].set(belief.chol)
        return eqx.tree_at(lambda chain: (chain.F, chain.c, chain.chol_Q), self, first)

    def tangents(self, x: Float[Array, "time component state"]) -> Tangent:
        def each(leaf: Array) -> Array:
            return jnp.broadcast_to(leaf[:, None], (*x.shape[:2], *leaf.shape[1:]))

        return Tangent(each(self.H), each(self.d), each(self.chol_R))

    def draw(self, x: Float[Array, "time state"], key: Key[Array, ""]) -> Float[Array, "time output"]:
        M, b, L = jax.vmap(given_measured)(self.H, self.d, self.chol_R, self.y)
        e = jax.random.normal(key, b.shape, b.dtype)
        return jnp.einsum("kij,kj->ki", M, x) + b + jnp.einsum("kij,kj->ki", L, e)

    def general(self) -> Process:
        """The same process, for methods that do not ask it to be linear."""
        into, at = (self.F, self.c, self.chol_Q), (self.H, self.d, self.chol_R)
        # What `padded` left: a row that changes nothing is no transition, and nothing may be added to it.
        identity = jnp.eye(self.c.shape[-1], dtype=self.c.dtype)
        changes = (identity != self.F) | (self.chol_Q != 0) | (self.c != 0)[:, None]
        moves = changes.any((-2, -1)).at[0].set(False)
        return Process(self.prior, _affine, _affine, into, at, moves, self.y)


def _affine(x: Float[Array, " state"], row: tuple[Array, Array, Array]) -> MultivariateGaussian:
    matrix, shift, chol = row
    return MultivariateGaussian(matrix @ x + shift, chol)
