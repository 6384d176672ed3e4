"""A linear stochastic differential equation over one interval, exactly."""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dynlearn.numerics.linear.triangular import tria

NODES = 8
"""Gauss-Legendre nodes for the noise of one piece: exact to 1e-16 where |A| h <= 1."""
TERMS = 20
"""Of the exponential series of one piece: |A|^20 h^20 / 20! < 1e-18."""
LEVELS = 12
"""Eight pieces become one this often at most, so |A| dt up to 2^36 is exact."""


class Discrete(NamedTuple):
    """x(dt) = F x(0) + G u(0) + ramp (u(dt) - u(0)) + chol_Q w."""

    F: Float[Array, "state state"]
    G: Float[Array, "state input"]
    ramp: Float[Array, "state input"]
    chol_Q: Float[Array, "state state"]


def discretised(
    A: Float[Array, "state state"],
    B: Float[Array, "state input"],
    L: Float[Array, "state state"],
    dt: Float[Array, ""],
) -> Discrete:
    r"""dx = (A x + B u) dt + L dW over an interval, u held (G) or on a straight line (G and ramp).

        F = e^{A dt},  G = int_0^dt e^{A s} ds B,  ramp = int_0^dt e^{A (dt - s)} s/dt ds B,
        Q = int_0^dt e^{A s} L L^T e^{A^T s} ds

    F, G and ramp are blocks of one exponential (Van Loan 1978). Van Loan's form of Q holds e^{-A s}
    and loses every digit where a mode dies out within the interval; here the square root of Q over
    dt / 8^k is a Gauss-Legendre sum, and k times Q(8h) = sum_{j<8} F(h)^j Q(h) F(h)^jT follows. So it
    never becomes indefinite, and an interval of length 0 has F = I, all else 0, and finite gradients.
    """
    n, m = B.shape
    k = jnp.ceil(jnp.log2(jnp.maximum(jax.lax.stop_gradient(jnp.abs(A).sum(0).max() * dt), 1e-30)) / 3)
    k = jnp.clip(k, 0, LEVELS)
    h = dt * jnp.exp2(-3 * k)

    # The input and its slope as further states: d/dt [x, u, v] = [A x + B u, v, 0].
    whole = jnp.zeros((n + 2 * m, n + 2 * m), A.dtype)
    whole = whole.at[:n, :n].set(A).at[:n, n : n + m].set(B).at[n : n + m, n + m :].set(jnp.eye(m))
    E = _exponential(whole, jnp.eye(n + 2 * m, dtype=A.dtype), h)

    r, w = (jnp.asarray(a, A.dtype) for a in _gauss_legendre())
    at_nodes = jax.vmap(lambda s: _exponential(A, L, s))(r * h)
    pieces = jnp.sqrt(w * h)[:, None, None] * at_nodes
    S = tria(jnp.swapaxes(pieces, 0, 1).reshape(n, -1))

    def eightfold(carry, j):
        more = j < k
        # What is not needed must not overflow: its gradient would be 0 * inf.
        E, S = jnp.where(more, carry[0], jnp.eye(n + 2 * m, dtype=A.dtype)), jnp.where(more, carry[1], 0)
        for _ in range(3):
            S, E = jnp.concatenate([S, E[:n, :n] @ S], axis=1), E @ E
        return (jnp.where(more, E, carry[0]), jnp.where(more, tria(S), carry[1])), None

    (E, S), _ = jax.lax.scan(eightfold, (E, S), jnp.arange(LEVELS))
    slope = 1 / jnp.where(dt > 0, dt, 1)
    return Discrete(E[:n, :n], E[:n, n : n + m], slope * E[:n, n + m :], S)


def _exponential(A: Array, X: Array, h: Array) -> Array:
    """e^{A h} X = X + A h (X + A h / 2 (X + ...)), for |A| h <= 1."""

    def term(total, j):
        return X + h / j * (A @ total), None

    return jax.lax.scan(term, X, jnp.arange(TERMS, 0, -1, dtype=A.dtype))[0]


@functools.cache
def _gauss_legendre() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(NODES)
    return (x + 1) / 2, w / 2


def continuous(
    F: Float[np.ndarray, "state state"], chol_Q: Float[np.ndarray, "state state"], interval: float
) -> tuple[np.ndarray, np.ndarray]:
    """A drift and a noise factor that give about (F, Q) over `interval`: the start of a fit, on the host.

    The logarithm of F exists over the reals only without eigenvalues on the negative half-line;
    these are moved to their modulus.
    """
    values, vectors = np.linalg.eig(F)
    lost = (values.real <= 1e-3) & (np.abs(values.imag) < 1e-9)
    values = np.where(lost, np.maximum(np.abs(values), 1e-3), values)
    A = (vectors @ np.diag(np.log(values.astype(complex))) @ np.linalg.inv(vectors)).real / interval
    return A, chol_Q / math.sqrt(interval)
