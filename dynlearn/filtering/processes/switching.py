"""One run of a linear Gaussian model whose matrices depend on a hidden regime."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from cuthbertlib.stats import multivariate_normal
from jaxtyping import Array, Bool, Float, Int, Key

from dynlearn.filtering.contract import AbstractProcess, Tangent
from dynlearn.filtering.kalman import recursions as kalman
from dynlearn.filtering.processes.switches import AbstractSwitch, Split
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian
from dynlearn.numerics.linear.conditional_noise import given_measured
from dynlearn.numerics.linear.triangular import tria

NEVER = -1e30
"""Log-probability of what cannot happen: finite, so that no gradient is NaN."""


class Move(NamedTuple):
    """A transition under each regime."""

    F: Float[Array, "regime state state"]
    c: Float[Array, "regime state"]
    chol_Q: Float[Array, "regime state state"]
    moves: Bool[Array, ""]


class Row(NamedTuple):
    """What belongs to one sample, or with a leading axis to all of them."""

    F: Float[Array, "*time regime state state"]
    c: Float[Array, "*time regime state"]
    chol_Q: Float[Array, "*time regime state state"]
    H: Float[Array, "*time regime output state"]
    d: Float[Array, "*time regime output"]
    chol_R: Float[Array, "*time regime output output"]
    y: Float[Array, "*time output"]
    moves: Bool[Array, "*time"]

    @property
    def move(self) -> Move:
        return Move(self.F, self.c, self.chol_Q, self.moves)


class SwitchingChain(AbstractProcess):
    r"""One run of a switching linear Gaussian model, all matrices per sample and regime.

        z_0 ~ softmax(log_start),    x_0 = c_0[z_0] + Q_0[z_0]^{1/2} w_0,    z_k ~ switch(z_{k-1}, x_{k-1}),
        x_k = F_k[z_k] x_{k-1} + c_k[z_k] + Q_k[z_k]^{1/2} w_k,    y_k = H_k[z_k] x_k + d_k[z_k] + R_k[z_k]^{1/2} v_k,

    w, v standard normal. As in `Chain`, row k is the transition *into* sample k, under the regime of
    sample k, and row 0 is the prior. Where `moves` is false, before the first sample and in the
    padding, neither state nor regime changes. An entry of y that is NaN was not measured.

    The components of every belief about it are its regimes, in order: `belief.weight` is their probability.
    """

    F: Float[Array, "time regime state state"]
    c: Float[Array, "time regime state"]
    chol_Q: Float[Array, "time regime state state"]
    H: Float[Array, "time regime output state"]
    d: Float[Array, "time regime output"]
    chol_R: Float[Array, "time regime output output"]
    y: Float[Array, "time output"]
    moves: Bool[Array, " time"]
    log_start: Float[Array, " regime"]
    switch: AbstractSwitch

    @property
    def regimes(self) -> int:
        return self.c.shape[1]

    @property
    def rows(self) -> Row:
        """With a leading time axis; nothing moves into the first sample."""
        moves = self.moves.at[0].set(False)
        return Row(self.F, self.c, self.chol_Q, self.H, self.d, self.chol_R, self.y, moves)

    def tangents(self, x: Float[Array, "time component state"]) -> Tangent:
        return Tangent(self.H, self.d, self.chol_R)

    def draw(self, x: Float[Array, "time state"], key: Key[Array, ""]) -> Float[Array, "time output"]:
        """As the contract says, after drawing the regimes of the path given it and the measured outputs, exactly."""
        for_regimes, for_noise = jax.random.split(key)
        z = self.draw_regimes(x, for_regimes)
        of = jax.vmap(lambda leaf, z: leaf[z])
        M, b, L = jax.vmap(given_measured)(of(self.H, z), of(self.d, z), of(self.chol_R, z), self.y)
        e = jax.random.normal(for_noise, b.shape, b.dtype)
        return jnp.einsum("kij,kj->ki", M, x) + b + jnp.einsum("kij,kj->ki", L, e)

    def draw_regimes(self, x: Float[Array, "time state"], key: Key[Array, ""]) -> Int[Array, " time"]:
        """Joint draw of the regimes given a whole path and the measured outputs: forward filter, backward sampling."""
        rows = self.rows
        before = jnp.concatenate([x[:1], x[:-1]])
        log_p = jax.vmap(self._path_density)(x, before, rows, jnp.arange(x.shape[0]) == 0)
        log_move = jax.vmap(self._path_switch)(before, rows.moves)

        def forward(log_z, now):
            density, move = now
            log_z = jax.nn.logsumexp(log_z[:, None] + move, axis=0) + density
            log_z = jax.nn.log_softmax(log_z)
            return log_z, log_z

        filtered = jax.lax.scan(forward, jax.nn.log_softmax(self.log_start), (log_p, log_move))[1]

        def backward(z_next, now):
            log_z, move, k = now
            z = jax.random.categorical(k, log_z + move[:, z_next])
            return z, z

        keys = jax.random.split(key, x.shape[0])
        last = jax.random.categorical(keys[-1], filtered[-1])
        z = jax.lax.scan(backward, last, (filtered[:-1], log_move[1:], keys[:-1]), reverse=True)[1]
        return jnp.concatenate([z, last[None]])

    def _path_switch(
        self, x: Float[Array, " state"], moves: Bool[Array, ""]
    ) -> Float[Array, "regime regime"]:
        mean = jnp.broadcast_to(x, (self.regimes, x.shape[0]))
        return split(self.switch, mean, jnp.zeros((*mean.shape, 1), x.dtype), moves).log_matrix

    def _path_density(self, x, before, row: Row, first) -> Float[Array, " regime"]:
        """log p(x_k, y_k | z_k, x_{k-1}) under each regime."""

        def one(F, c, chol_Q, H, d, chol_R):
            expected, noise = jnp.where(first, c, F @ before + c), jittered(chol_Q, jnp.abs(x))
            moved = multivariate_normal.logpdf(x, expected, tria(noise), nan_support=False)
            measured = MultivariateGaussian(H @ x + d, chol_R).joint(row.y)
            return jnp.where(row.moves | first, moved, 0) + measured

        return jax.vmap(one)(*row[:6])


class Hypotheses(NamedTuple):
    """One Gaussian per pair (regime before, regime now), before the sample itself."""

    log_weight: Float[Array, "regime regime"]
    mean: Float[Array, "regime regime state"]
    chol: Float[Array, "regime regime state state"]


def split(switch: AbstractSwitch, mean: Array, chol: Array, moves: Bool[Array, ""]) -> Split:
    """A belief per regime, by the regime that follows; a regime stays where nothing moves."""
    found = switch.split(mean, chol)
    stay = jnp.where(jnp.eye(mean.shape[0], dtype=bool), 0.0, NEVER)
    return Split(
        jnp.where(moves, jnp.maximum(found.log_matrix, NEVER), stay),
        jnp.where(moves, found.mean, mean[:, None]),
        jnp.where(moves, found.chol, chol[:, None]),
    )


def predicted(switch: AbstractSwitch, mean: Array, chol: Array, log_weight: Array, move: Move) -> Hypotheses:
    """From a belief per regime at one sample, where each may lead at the next."""
    F, c, chol_Q, moves = move
    before = split(switch, mean, chol, moves)
    each = jax.vmap(jax.vmap(kalman.predict), (0, 0, None, None, None))
    m, P = each(before.mean, before.chol, F, c, chol_Q)
    m = jnp.where(moves, m, before.mean)
    P = jnp.where(moves, P, before.chol)
    return Hypotheses(log_weight[:, None] + before.log_matrix, m, P)


def jittered(
    chol_Q: Float[Array, "state rank"], spread: Float[Array, " state"]
) -> Float[Array, "state rank+state"]:
    """With noise far below `spread`, so that what is known exactly turns 0/0 into 0; see `kalman.run_smoother`."""
    eps = jnp.finfo(chol_Q.dtype).eps ** 0.625
    floor = eps * (spread + eps * spread.max()) + 1e-15
    return jnp.concatenate([chol_Q, jnp.diag(floor)], axis=-1)
