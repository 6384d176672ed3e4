"""The Kalman filter's forward pass, and the density of the measurements with its derivative."""

from typing import TYPE_CHECKING, NamedTuple, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from dynlearn.numerics.triangular import inverse, product, tria

if TYPE_CHECKING:
    from dynlearn.numerics.kalman import Chain


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

    def density(self, whiten: Array, white: Array) -> Float[Array, "*time"]:
        """Log density of N(0, S) at the innovation, W S W^T = 1, `white` = W innovation; -inf if S is singular."""
        scale = jnp.where(self.observed, jnp.diagonal(whiten, axis1=-2, axis2=-1), 1)
        each = jnp.log(scale) - 0.5 * white**2 - 0.5 * jnp.log(2 * jnp.pi)
        return jnp.where(self.observed, each, 0).sum(-1)


class Forward(NamedTuple):
    """Every sample before its measurement, S = H P H^T + R the covariance of its innovation y - H m - d."""

    mean: Float[Array, "time state"]
    chol: Float[Array, "time state state"]
    whiten: Float[Array, "time output output"]
    """W, lower triangular, W S W^T = 1; zeros where nothing was measured."""
    white: Float[Array, "time output"]
    """W (y - H m - d)."""
    gain: Float[Array, "time state output"]
    """F P H^T S^{-1}, of the next sample's mean from this one's innovation."""


def forward(chain: "Chain", measured: Measured) -> Forward:
    r"""Update and predict in one triangularisation per sample,

        [ H L   R^{1/2}   0       ]          [ S^{1/2}             0     ]
        [ F L   0         Q^{1/2} ]   ->     [ F P H^T S^{-T/2}    L_next ],

    which is that of `cuthbertlib.kalman.filter_update` and the next one of `predict` taken together. The
    covariances do not depend on the measured values: they come first, then the means, in a scan of their own.

    References: Morf, Kailath, "Square-root algorithms for least-squares estimation", IEEE Trans. Autom.
    Control 1975; Anderson, Moore, "Optimal filtering", 1979, section 6.5.
    """
    outputs, states = chain.H.shape[-2:]
    F, c, chol_Q = (_next(leaf) for leaf in (chain.F, chain.c, chain.chol_Q))

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

    def move(m: Array, row: tuple[Array, ...]) -> tuple[Array, Array]:
        A, gain, c, y = row
        # A library product where runs share A, for all of them at once; the small one inside the compiled loop.
        return A @ m + (gain * y).sum(-1) + c, m

    rest = F - product(gain, measured.H)
    _, mean = jax.lax.scan(move, chain.c[0], (rest, gain, c, measured.y))
    white = _apply(whiten, measured.y - _apply(measured.H, mean))
    return Forward(mean, chol, whiten, white, gain)


@jax.custom_jvp
def log_density(chain: "Chain", measured: Measured, found: Forward) -> Float[Array, " time"]:
    r"""log p(y_k | y_0 .. y_{k-1}), 0 where nothing was measured; `found` is `forward(chain, measured)`.

    Its derivative is that of the recursion in covariances, which is polynomial but for S^{-1}: exact where
    covariances are singular, and one linear pass instead of the derivative of every triangularisation.
    """
    return measured.density(found.whiten, found.white)


@log_density.defjvp
def _log_density_jvp(primals, tangents):
    r"""With e = S^{-1} (y - H m - d), K = F P H^T S^{-1}, A = F - K H, f = m + P H^T e the filtered mean:

        dP' = A dP A^T + V + V^T,      V  = (dF - K dH) P A^T + K dR^{1/2} R^{T/2} K^T + dQ^{1/2} Q^{T/2},
        dm' = A (dm + dP H^T e) + w,   w  = (dF - K dH) f + A P dH^T e + K (dy - dR e) + dc,
        dl  = e^T (H dm + dH f - dy) + (e^T (H dP H^T + dR) e - tr S^{-1} (H dP H^T + 2 dH P H^T + dR)) / 2,

    dy the change of y - d, dR = dR^{1/2} R^{T/2} + R^{1/2} dR^{T/2}. K is optimal: its own change adds nothing
    to dP'. `found` follows from the other arguments, and so does its change, which is not read. What depends
    on the measured values are vectors only: runs that share their covariances share every matrix here.
    """
    (chain, measured, found), (change, d_measured, _) = primals, tangents
    H, R, L, W, K = measured.H, measured.chol_R, found.chol, found.whiten, found.gain
    dH, dR, dy = d_measured.H, d_measured.chol_R, d_measured.y
    F, chol_Q = _next(chain.F), _next(chain.chol_Q)
    dF, dc, dQ = (_next(leaf) for leaf in (change.F, change.c, change.chol_Q))

    P, A = product(L, L.mT), F - product(K, H)
    S_inverse_H, S_inverse_R = (product(W.mT, product(W, matrix)) for matrix in (H, R))
    e = _apply(W.mT, found.white)
    Hte, Rte = _apply(H.mT, e), _apply(R.mT, e)
    f = found.mean + _apply(P, Hte)

    bend = dF - product(K, dH)
    V = product(product(bend, P), A.mT) + product(product(K, dR), product(K, R).mT) + product(dQ, chol_Q.mT)
    dRe = _apply(dR, Rte)
    pull = _apply(product(A, P), _apply(dH.mT, e)) - _apply(product(K, R), _apply(dR.mT, e))
    w = _apply(bend, f) + pull + _apply(K, dy - dRe) + dc

    def step(carry: tuple[Array, Array], row: tuple[Array, ...]):
        dm, dP = carry
        A, Hte, w, V = row
        return (_apply(A, dm + _apply(dP, Hte)) + w, product(product(A, dP), A.T) + V), (dm, dP)

    V0 = product(change.chol_Q[0], chain.chol_Q[0].T)
    _, (dm, dP) = jax.lax.scan(step, (change.c[0], V0 + V0.T), (A, Hte, w, V + V.mT))
    dl = (
        (Hte * (dm + 0.5 * _apply(dP, Hte))).sum(-1)
        + (e * (_apply(dH, f) - dy + dRe)).sum(-1)
        - (product(H.mT, S_inverse_H) * (0.5 * dP)).sum((-2, -1))
        - (product(S_inverse_H, P) * dH).sum((-2, -1))
        - (S_inverse_R * dR).sum((-2, -1))
    )
    return log_density(chain, measured, found), dl


def _apply(A: Array, x: Array) -> Array:
    return jnp.einsum("...ij,...j->...i", A, x)


def _next(leaf: Array) -> Array:
    """What leads into a sample, in the row of the sample that it leads out of; nothing leads out of the last."""
    return jnp.concatenate([leaf[1:], jnp.zeros_like(leaf[:1])])
