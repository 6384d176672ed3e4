"""The Kalman filter's forward pass, and the density of the measurements with its derivative."""

from collections.abc import Callable
from typing import NamedTuple, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from dynlearn.filtering.kalman.chain import Chain
from dynlearn.numerics.linear.triangular import inverse, product, tria


class Measured(NamedTuple):
    """H, R^{1/2} and y - d, with zeros in place of what was not measured."""

    observed: Bool[Array, "*time output"]
    H: Float[Array, "*time output state"]
    chol_R: Float[Array, "*time output rank"]
    y: Float[Array, "*time output"]

    @classmethod
    def of(cls, H: Array, d: Array, chol_R: Array, y: Array, observed: Array | None = None) -> Self:
        observed = ~jnp.isnan(y) if observed is None else observed
        each = observed[..., None]
        return cls(observed, jnp.where(each, H, 0), jnp.where(each, chol_R, 0), jnp.where(observed, y - d, 0))

    def density(self, whiten: Array, square: Array) -> Float[Array, "*time"]:
        """Log density of N(0, S) at the innovation, W S W^T = 1, `square` = |W innovation|^2; -inf if S is singular."""
        scale = jnp.where(self.observed, jnp.diagonal(whiten, axis1=-2, axis2=-1), 1)
        each = jnp.where(self.observed, jnp.log(scale) - 0.5 * jnp.log(2 * jnp.pi), 0)
        return each.sum(-1) - 0.5 * square


class Forward(NamedTuple):
    """Every sample before its measurement, S = H P H^T + R the covariance of its innovation y - H m - d."""

    mean: Float[Array, "time state"]
    chol: Float[Array, "time state state"]
    whiten: Float[Array, "time output output"]
    """W, lower triangular, W S W^T = 1; zeros where nothing was measured."""
    white: Float[Array, "time output"]
    """W (y - H m - d)."""
    square: Float[Array, " time"]
    """Its squared length."""
    gain: Float[Array, "time state output"]
    """F P H^T S^{-1}, of the next sample's mean from this one's innovation."""


def forward(chain: Chain, measured: Measured) -> Forward:
    r"""Update and predict in one triangularisation per sample,

        [ H L   R^{1/2}   0       ]          [ S^{1/2}             0     ]
        [ F L   0         Q^{1/2} ]   ->     [ F P H^T S^{-T/2}    L_next ],

    which is that of `cuthbertlib.kalman.filter_update` and the next one of `predict` taken together. The
    covariances do not depend on the measured values: they come first, then the means, in a scan of their own.

    References: Morf, Kailath, "Square-root algorithms for least-squares estimation", IEEE Trans. Autom.
    Control 1975; Anderson, Moore, "Optimal filtering", 1979, section 6.5.
    """
    outputs, states = chain.H.shape[-2:]
    F, chol_Q = _next(chain.F), _next(chain.chol_Q)

    def spread(L: Array, row: tuple[Array, ...]) -> tuple[Array, tuple[Array, Array]]:
        F, chol_Q, H, chol_R = row
        top = jnp.concatenate([product(H, L), chol_R, jnp.zeros((outputs, chol_Q.shape[1]), L.dtype)], axis=1)
        bottom = jnp.concatenate(
            [product(F, L), jnp.zeros((states, chol_R.shape[1]), L.dtype), chol_Q], axis=1
        )
        found = tria(jnp.concatenate([top, bottom]))
        return found[outputs:, outputs:], (L, found[:, :outputs])

    rows = (F, chol_Q, measured.H, measured.chol_R)
    _, (chol, found) = jax.lax.scan(spread, tria(chain.chol_Q[0]), rows)
    whiten = inverse(found[:, :outputs])
    gain = product(found[:, outputs:], whiten)

    into = jnp.concatenate([F - product(gain, measured.H), -product(whiten, measured.H)], axis=1)
    given = jnp.concatenate([gain, whiten], axis=1)

    def move(before: Array, row: tuple[Array, ...]) -> tuple[Array, tuple[Array, Array, Array]]:
        A, G, c, y = row
        m = before + c
        # A library product where runs share A, for all of them at once; the small one inside the compiled loop.
        found = A @ m + (G * y).sum(-1)
        white = found[states:]
        return found[:states], (m, white, (white**2).sum())

    _, (mean, white, square) = jax.lax.scan(
        move, jnp.zeros_like(chain.c[0]), (into, given, chain.c, measured.y)
    )
    return Forward(mean, chol, whiten, white, square, gain)


def updated(
    L: Float[Array, "state state"], H: Float[Array, "output state"], chol_R: Float[Array, "output rank"]
) -> tuple[Float[Array, "output+state output"], Float[Array, "state state"]]:
    """[S^{1/2}; P H^T S^{-T/2}], and the factor of P after the measurement."""
    outputs, states = H.shape
    top = jnp.concatenate([product(H, L), chol_R], axis=1)
    bottom = jnp.concatenate([L, jnp.zeros((states, chol_R.shape[1]), L.dtype)], axis=1)
    found = tria(jnp.concatenate([top, bottom]))
    return found[:, :outputs], found[outputs:, outputs:]


@jax.custom_jvp
def log_density(chain: Chain, measured: Measured, found: Forward) -> Float[Array, " time"]:
    r"""log p(y_k | y_0 .. y_{k-1}), 0 where nothing was measured; `found` is `forward(chain, measured)`.

    Its derivative is that of the recursion in covariances, which is polynomial but for S^{-1}: exact where
    covariances are singular, and one linear pass instead of the derivative of every triangularisation.
    """
    return measured.density(found.whiten, found.square)


@log_density.defjvp
def _log_density_jvp(primals, tangents):
    r"""With e = S^{-1} (y - H m - d), K = F P H^T S^{-1}, A = F - K H, f = m + P H^T e the filtered mean:

        dP' = A dP A^T + V,   V  = (dF - K dH) P A^T + A P (dF - K dH)^T + K dR K^T + dQ,
        dm' = A dm + w,       w  = (dF - K dH) f + (A (dP H^T + P dH^T) - K dR) e + K dy + dc,
        dl  = e^T (H dm + dH f + (H dP H^T + dR) e / 2 - dy) - tr S^{-1} (H dP H^T + 2 dH P H^T + dR) / 2,

    dy the change of y - d. K is optimal: its own change adds nothing to dP'. `found` follows from the other
    arguments, and so does its change, which is not read. What depends on the measured values are f, e and dm:
    runs that share their covariances share every matrix here.
    """
    (chain, measured, found), (change, d_measured, _) = primals, tangents
    H, W, K, dH, dy = measured.H, found.whiten, found.gain, d_measured.H, d_measured.y
    F, chol_Q = _next(chain.F), _next(chain.chol_Q)
    dF, dQ = _next(change.F), _twice(_next(change.chol_Q), chol_Q)
    dR, P, A = (
        _twice(d_measured.chol_R, measured.chol_R),
        product(found.chol, found.chol.mT),
        F - product(K, H),
    )
    bend, PHt = dF - product(K, dH), product(P, H.mT)

    def spread(dP: Array, row: tuple[Array, Array]) -> tuple[Array, Array]:
        A, V = row
        return product(product(A, dP), A.T) + V, dP

    def spreads(first: Array, V: Array) -> Array:
        return jax.lax.scan(spread, first, (A, V))[1]

    V = _twice(product(bend, P), A) + product(product(K, dR), K.mT) + dQ
    dP = _of_changes(spreads, _twice(change.chol_Q[0], chain.chol_Q[0]), V)
    dPHt = product(dP, H.mT)
    dS = product(H, dPHt) + dR

    # One product per sample, for all runs at once where they share it, gives f and e, and one what they do.
    states = F.shape[-1]
    shift, e = _split(_apply(product(jnp.concatenate([PHt, _eye(W)], axis=1), W.mT), found.white), states)
    f_and_e = jnp.concatenate([found.mean + shift, e], axis=1)
    by_e = product(A, dPHt + product(P, dH.mT)) - product(K, dR)
    does = jnp.concatenate(
        [jnp.concatenate([bend, by_e], axis=2), jnp.concatenate([dH, 0.5 * dS], axis=2)], axis=1
    )
    w, seen = _split(_apply(does, f_and_e), states)

    def move(before: Array, row: tuple[Array, ...]) -> tuple[Array, Array]:
        A_and_H, dc, w = row
        moved, output = _split(A_and_H @ (before + dc), states)
        return moved + w, output

    def moves(dc: Array, w: Array) -> Array:
        return jax.lax.scan(move, jnp.zeros_like(dc[0]), (jnp.concatenate([A, H], axis=1), dc, w))[1]

    output = _of_changes(moves, change.c, w + _apply(K, dy))
    volume = product(W.mT, W) * (0.5 * dS + product(dH, PHt))
    return log_density(chain, measured, found), (e * (output + seen - dy)).sum(-1) - volume.sum((-2, -1))


def _of_changes(linear: Callable[..., Array], *changes: Array) -> Array:
    """`linear(*changes)`, as its own derivative: JAX 0.9 transposes a scan only if it differentiated it itself."""
    return jax.jvp(linear, tuple(jnp.zeros_like(change) for change in changes), changes)[1]


def _twice(A: Array, B: Array) -> Array:
    """A B^T + B A^T."""
    found = product(A, B.mT)
    return found + found.mT


def _split(x: Array, at: int) -> tuple[Array, Array]:
    return x[..., :at], x[..., at:]


def _eye(like: Array) -> Array:
    return jnp.broadcast_to(jnp.eye(like.shape[-1], dtype=like.dtype), like.shape)


def _apply(A: Array, x: Array) -> Array:
    return jnp.einsum("...ij,...j->...i", A, x)


def _next(leaf: Array) -> Array:
    """What leads into a sample, in the row of the sample that it leads out of; nothing leads out of the last."""
    return jnp.concatenate([leaf[1:], jnp.zeros_like(leaf[:1])])
