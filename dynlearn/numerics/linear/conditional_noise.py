"""The whole output vector given its measured entries and the state, for correlated noise."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.numerics.linear.triangular import tria


def given_measured(
    H: Float[Array, "output state"],
    d: Float[Array, " output"],
    chol_R: Float[Array, "output output"],
    y: Float[Array, " output"],
) -> tuple[Float[Array, "output state"], Float[Array, " output"], Float[Array, "output output"]]:
    r"""(M, b, L) with y_all | y_measured, x ~ N(M x + b, L L^T); NaN in `y` marks what was not measured.

    With the measured entries o first, R^{1/2} = [[L_o, 0], [K, L_m]], so that

        y_m = H_m x + d_m + K L_o^{-1} (y_o - H_o x - d_o) + L_m e,

    and rows of measured entries are M = 0, b = y, L = 0.
    """
    missing = jnp.isnan(y)
    order = jnp.argsort(missing, stable=True)
    back = jnp.argsort(order)
    m = missing[order]
    H, d, y = H[order], d[order], jnp.where(m, 0, y[order])
    chol = tria(chol_R[order])
    among_measured, among_missing = ~m[:, None] & ~m, m[:, None] & m
    # A measurement without noise has a zero here, and nothing to say about the other noises.
    diagonal = jnp.diagonal(chol)
    tiny = jnp.finfo(chol.dtype).tiny ** 0.5
    safe = jnp.where(~m & (jnp.abs(diagonal) > tiny), diagonal, 1.0)
    L_o = jnp.where(among_measured, jnp.tril(chol, -1), 0) + jnp.diag(safe)
    K = jnp.where(m[:, None] & ~m, chol, 0)
    gain = jnp.where(m[:, None] & ~m, jnp.linalg.solve(L_o.T, K.T).T, 0)
    M = jnp.where(m[:, None], H - gain @ H, 0)
    b = jnp.where(m, d + gain @ (y - d), y)
    L = jnp.where(among_missing, chol, 0)
    return M[back], b[back], L[back]
