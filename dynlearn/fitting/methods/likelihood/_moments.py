r"""Expected squares of the EM regressions, as rows: E[z z^T] = sum of r r^T over the rows r.

A Gaussian vector z ~ N(m, L L^T) has the rows m^T and the columns of L.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from dynlearn.filtering.kalman.chain import Chain
from dynlearn.filtering.kalman.recursions import Smoothed
from dynlearn.numerics.linear.conditional_noise import given_measured
from dynlearn.trajectories.window import Window


def transition_rows(
    back: Smoothed, u: Float[Array, "time control"], valid: Bool[Array, " time"]
) -> Float[Array, "time-1 row column"]:
    """Of [x_k, u_k, 1, x_{k+1}] for every transition within the run, zero elsewhere.

    Given all data x_{k+1} = m' + L' w and x_k = m + G L' w + L e, with the smoother's gain G and L
    a factor of Cov(x_k | x_{k+1}).
    """
    mean, chol = back.smoothed
    n = mean.shape[-1]

    def one(m, m_next, chol_next, G, L, u):
        centre = jnp.concatenate([m, u, jnp.ones(1), m_next])[None]
        blank = jnp.zeros((n, u.shape[0] + 1))
        shared = jnp.concatenate([(G @ chol_next).T, blank, chol_next.T], axis=1)
        own = jnp.concatenate([L.T, blank, jnp.zeros((n, n))], axis=1)
        return jnp.concatenate([centre, shared, own])

    rows = jax.vmap(one)(mean[:-1], mean[1:], chol[1:], back.gain, back.chol_given_next, u[:-1])
    return jnp.where((valid[:-1] & valid[1:])[:, None, None], rows, 0)


def output_rows(
    chain: Chain, back: Smoothed, u: Float[Array, "time control"], run: Window, *, feedthrough: bool
) -> Float[Array, "time row column"]:
    """Of [x_k, (u_k,) y_k] where anything was measured, a missing entry of y_k being one more unknown."""
    mean, chol = back.smoothed
    M, b, L = jax.vmap(given_measured)(chain.H, chain.d, chain.chol_R, chain.y)

    def one(m, P, M, b, L, u):
        u = u if feedthrough else u[:0]
        centre = jnp.concatenate([m, u, M @ m + b])[None]
        state = jnp.concatenate([P.T, jnp.zeros((P.shape[1], u.shape[0])), (M @ P).T], axis=1)
        noise = jnp.concatenate([jnp.zeros((L.shape[1], m.shape[0] + u.shape[0])), L.T], axis=1)
        return jnp.concatenate([centre, state, noise])

    rows = jax.vmap(one)(mean, chol, M, b, L, u)
    return jnp.where(run.observed.any(-1)[:, None, None], rows, 0)


def initial_rows(back: Smoothed, valid: Bool[Array, " time"]) -> Float[Array, "1 row column"]:
    """Of [1, x_0]; zero where there is no run, only padding."""
    mean, chol = back.smoothed.mean[0], back.smoothed.chol[0]
    centre = jnp.concatenate([jnp.ones(1), mean])[None]
    spread = jnp.concatenate([jnp.zeros((chol.shape[1], 1)), chol.T], axis=1)
    return jnp.where(valid.any(), jnp.concatenate([centre, spread]), 0)[None]
