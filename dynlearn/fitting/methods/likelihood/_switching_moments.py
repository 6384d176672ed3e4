r"""What the smoother of a switching model expects, as weighted rows whose Gram matrices the regressions need.

As in `_moments`: a Gaussian vector N(m, L L^T) of weight w has the rows sqrt(w) m^T and sqrt(w) times the columns of L.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.filtering.methods import backward
from dynlearn.filtering.methods.collapsed import forward
from dynlearn.filtering.processes.switching import SwitchingChain
from dynlearn.models.switching.switching_linear import SwitchingLinear
from dynlearn.numerics.linear.conditional_noise import given_measured
from dynlearn.trajectories.window import Window


class Expected(NamedTuple):
    """Of one run; the regime of `moves`, `outputs` and `seen` is that of the sample arrived at."""

    log_density: Float[Array, ""]
    moves: Float[Array, "move regime _ _"]
    """[x_k, u_k, 1, x_{k+1}], zero where nothing moves."""
    outputs: Float[Array, "time regime _ _"]
    """[x_k, 1, y_k], zero where nothing was measured."""
    weight: Float[Array, "move regime regime"]
    """p(z_k, z_{k+1} | all samples), zero where nothing moves."""
    x: Float[Array, "move regime regime state"]
    """Mean of x_k under each pair of regimes."""
    seen: Float[Array, "time regime"]
    """Probability of each regime, zero where nothing was measured."""


def expected(model: SwitchingLinear, run: Window) -> Expected:
    """The E-step over one run."""
    process = model.process(run)
    found = forward(process)
    given = backward.given_next(process, found.mean, found.chol_cov)
    back = backward.smooth(process, (found.mean, found.chol_cov, found.log_weight), found.log_pair, given)
    u = jnp.where(run.valid[:, None], model.scaling.control(run.control), 0)[:-1]
    moved = process.rows.moves[1:]
    root = jnp.where(moved[:, None, None], jnp.exp(back.log_pair / 2), 0)
    x = given.shift + jnp.einsum("kijab,kjb->kija", given.gain, back.mean[1:])
    measured = run.observed.any(-1)
    weight = jnp.exp(back.log_weight)
    return Expected(
        found.log_density.sum(),
        _move_rows(given, back, x, u, root),
        _output_rows(process, back, jnp.where(measured[:, None], jnp.exp(back.log_weight / 2), 0)),
        jnp.where(moved[:, None, None], jnp.exp(back.log_pair), 0),
        x,
        jnp.where(measured[:, None], weight, 0),
    )


def _move_rows(given: backward.GivenNext, back: backward.Backward, x: Array, u: Array, root: Array) -> Array:
    """Given all data x_{k+1} = m' + L' w and x_k = x + G L' w + L e under each pair of regimes."""
    n = x.shape[-1]

    def one(x, u, G, L, m_next, chol_next, root):
        centre = jnp.concatenate([x, u, jnp.ones(1, x.dtype), m_next])[None]
        blank = jnp.zeros((n, u.shape[0] + 1), x.dtype)
        shared = jnp.concatenate([(G @ chol_next).T, blank, chol_next.T], axis=1)
        own = jnp.concatenate([L.T, blank, jnp.zeros((n, n), x.dtype)], axis=1)
        return root * jnp.concatenate([centre, shared, own])

    to = jax.vmap(one, (0, None, 0, 0, 0, 0, 0))  # over j
    pair = jax.vmap(to, (0, None, 0, 0, None, None, 0))  # over i
    rows = jax.vmap(pair)(x, u, given.gain, given.chol, back.mean[1:], back.chol[1:], root)
    k, i, j, r, c = rows.shape
    return jnp.swapaxes(rows, 1, 2).reshape(k, j, i * r, c)


def _output_rows(process: SwitchingChain, back: backward.Backward, root: Array) -> Array:
    def one(m, P, H, d, chol_R, y, root):
        M, b, L = given_measured(H, d, chol_R, y)
        ones = jnp.ones(1, m.dtype)
        centre = jnp.concatenate([m, ones, M @ m + b])[None]
        state = jnp.concatenate([P.T, jnp.zeros((P.shape[1], 1), m.dtype), (M @ P).T], axis=1)
        noise = jnp.concatenate([jnp.zeros((L.shape[1], m.shape[0] + 1), m.dtype), L.T], axis=1)
        return root * jnp.concatenate([centre, state, noise])

    each = jax.vmap(jax.vmap(one, (0, 0, 0, 0, 0, None, 0)))
    return each(back.mean, back.chol, process.H, process.d, process.chol_R, process.y, root)
