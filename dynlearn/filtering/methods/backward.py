"""Backward passes of a switching model: the smoother, and joint draws of regimes and states."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from cuthbertlib.kalman.smoothing import associative_params_single
from cuthbertlib.stats import multivariate_normal
from jaxtyping import Array, Float, Int, Key

from dynlearn.filtering.methods.collapse import collapse
from dynlearn.filtering.processes.switching import Row, SwitchingChain, jittered, predicted, split
from dynlearn.numerics.linear.triangular import tria

Beliefs = tuple[
    Float[Array, "time regime state"], Float[Array, "time regime state state"], Float[Array, "time regime"]
]
"""Mean, factor, log-weight."""


class GivenNext(NamedTuple):
    """x_k | x_{k+1}, z_k = i, z_{k+1} = j, y_0 .. y_k ~ N(shift + gain x_{k+1}, chol chol^T)."""

    shift: Float[Array, "*move regime regime state"]
    gain: Float[Array, "*move regime regime state state"]
    chol: Float[Array, "*move regime regime state state"]


class Backward(NamedTuple):
    mean: Float[Array, "time regime state"]
    chol: Float[Array, "time regime state state"]
    log_weight: Float[Array, "time regime"]
    log_pair: Float[Array, "time-1 regime regime"]
    """log p(z_k, z_{k+1} | all samples)."""


def given_next(process: SwitchingChain, mean: Array, chol: Array) -> GivenNext:
    """From the filtered beliefs, under every pair of regimes; where nothing moves, x_k = x_{k+1}."""
    n = mean.shape[-1]

    def one(m, P, row: Row) -> GivenNext:
        def pair(m, P, F, c, chol_Q):
            spread = jnp.linalg.norm(jnp.concatenate([F @ P, chol_Q], axis=-1), axis=-1)
            noise = tria(jittered(chol_Q, spread))
            return associative_params_single(m, P, F, c, noise)

        before = split(process.switch, m, P, row.moves)
        each = jax.vmap(jax.vmap(pair), (0, 0, None, None, None))
        shift, gain, left = each(before.mean, before.chol, row.F, row.c, row.chol_Q)
        still = ~row.moves
        return GivenNext(
            jnp.where(still, 0, shift),
            jnp.where(still, jnp.eye(n, dtype=m.dtype), gain),
            jnp.where(still, 0, left),
        )

    rows = jax.tree.map(lambda leaf: leaf[1:], process.rows)
    return jax.vmap(one)(mean[:-1], chol[:-1], rows)


def smooth(
    process: SwitchingChain, beliefs: Beliefs, log_pair: Float[Array, "time regime regime"], given: GivenNext
) -> Backward:
    """`log_pair`: of the filter, p(z_{k-1}, z_k | y_0 .. y_k)."""
    last = tuple(leaf[-1] for leaf in beliefs)
    # p(z_k = i | z_{k+1} = j, y_0 .. y_{k+1}), columns adding up to 1.
    come_from = jax.nn.log_softmax(log_pair[1:], axis=1)

    def step(after, now):
        m, P, log_w = after
        came, shift, gain, left = now
        pair = came + log_w
        mean = shift + jnp.einsum("ijab,jb->ija", gain, m)
        chol = jnp.concatenate([left, jnp.einsum("ijab,jbc->ijac", gain, P)], axis=-1)
        log_weight, mean, chol = jax.vmap(collapse)(pair, mean, chol)
        return (mean, chol, log_weight), (mean, chol, log_weight, pair)

    steps = jax.lax.scan(step, last, (come_from, *given), reverse=True)[1]
    mean, chol, log_w = (
        jnp.concatenate([leaf, end[None]]) for leaf, end in zip(steps[:3], last, strict=True)
    )
    return Backward(mean, chol, log_w, steps[3])


def draw(
    process: SwitchingChain, beliefs: Beliefs, given: GivenNext, key: Key[Array, ""]
) -> tuple[Float[Array, "time state"], Int[Array, " time"]]:
    """One joint draw of the states and regimes of a run, from its last sample to its first."""
    rows = jax.tree.map(lambda leaf: leaf[1:], process.rows)
    for_last, for_steps = jax.random.split(key)
    end = tuple(leaf[-1] for leaf in beliefs)
    z, x = _pick(for_last, end[2], end[0], end[1])

    def step(after, now):
        x, z = after
        (mean, chol, log_weight), (shift, gain, left), row, key = now
        ahead = predicted(process.switch, mean, chol, log_weight, row.move)

        def density(m, P):
            whole = tria(jittered(P, jnp.linalg.norm(P, axis=-1)))
            return multivariate_normal.logpdf(x, m, whole, nan_support=False)

        log_p = jax.vmap(density)(ahead.mean[:, z], ahead.chol[:, z])
        log_p = ahead.log_weight[:, z] + jnp.where(row.moves, log_p, 0)
        i, x = _pick(key, log_p, (shift + gain @ x)[:, z], left[:, z])
        return (x, i), (x, i)

    keys = jax.random.split(for_steps, rows.moves.shape[0])
    before = tuple(leaf[:-1] for leaf in beliefs)
    paths, regimes = jax.lax.scan(step, (x, z), (before, tuple(given), rows, keys), reverse=True)[1]
    return jnp.concatenate([paths, x[None]]), jnp.concatenate([regimes, z[None]])


def _pick(key: Key[Array, ""], log_weight: Array, mean: Array, chol: Array) -> tuple[Array, Array]:
    """A component and a point of it."""
    which, where = jax.random.split(key)
    i = jax.random.categorical(which, log_weight)
    return i, mean[i] + chol[i] @ jax.random.normal(where, mean.shape[-1:], mean.dtype)
