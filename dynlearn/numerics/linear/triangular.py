"""Triangular factors of small matrices, and their inverses: one vectorised program for any batch."""

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float

UNROLLED = 8
"""Up to this size a factorisation is unrolled: LAPACK, called once per matrix, costs more than the arithmetic."""


def product(A: Float[Array, "*batch n m"], B: Float[Array, "*batch m k"]) -> Float[Array, "*batch n k"]:
    """A B, for small matrices as a sum of outer products, without a library call per matrix."""
    if A.shape[-1] > 2 * UNROLLED:
        return A @ B
    found = A[..., :, 0, None] * B[..., None, 0, :]
    for i in range(1, A.shape[-1]):
        found = found + A[..., :, i, None] * B[..., None, i, :]
    return found


@jax.custom_jvp
def tria(A: Float[Array, "*batch n m"]) -> Float[Array, "*batch n n"]:
    r"""The lower triangular L with L L^T = A A^T and a diagonal >= 0, without forming A A^T.

    A may have any rank and any width; a row of zeros gives a row and a column of zeros. Up to n = 8 by
    modified Gram-Schmidt, whose L is as accurate as Householder's (only its Q is not), beyond by LAPACK.

    Derivative: with A = L Q and dA Q^T = K, every dL = K - L W, W antisymmetric, has L dL^T + dL L^T =
    d(A A^T), exactly, whatever the rank; W is chosen to make dL triangular where L is regular. A row that
    depends on those above has no triangular derivative; what is computed from L L^T has the right one.

    References: Björck, "Solving linear least squares problems by Gram-Schmidt orthogonalization", BIT 1967;
    Björck, Paige, "Loss and recapture of orthogonality in the modified Gram-Schmidt algorithm", SIAM J.
    Matrix Anal. Appl. 1992.

    >>> tria(jnp.array([[3.0, 4.0], [6.0, 8.0]]))
    Array([[ 5.,  0.],
           [10.,  0.]], dtype=float32)
    """
    return _gram_schmidt(A) if A.shape[-2] <= UNROLLED else _householder(A)


@tria.defjvp
def _tria_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (A,), (dA,) = primals, tangents
    L = tria(A)
    K = product(dA, product(inverse(L), A).mT)
    pivot = jnp.diagonal(L, axis1=-2, axis2=-1)
    regular = pivot > 8 * A.shape[-1] * jnp.finfo(A.dtype).eps * jnp.abs(A).max(-1)
    both = regular[..., :, None] & regular[..., None, :]
    X = product(inverse(jnp.where(both, L, 0)), jnp.where(both, K, 0))
    W = jnp.triu(X, 1)
    return L, K - product(L, W - W.mT)


def inverse(L: Float[Array, "*batch n n"]) -> Float[Array, "*batch n n"]:
    """L^{-1} of a lower triangular matrix; a pivot of zero gives a row of zeros."""
    pivot = jnp.diagonal(L, axis1=-2, axis2=-1)
    regular = pivot != 0
    one_over = jnp.where(regular, 1 / jnp.where(regular, pivot, 1), 0)
    n = L.shape[-1]
    eye = jnp.eye(n, dtype=L.dtype)
    if n > UNROLLED:
        pivots = jnp.where(regular, pivot, 1)[..., None] * eye
        found = solve_triangular(jnp.tril(L, -1) + pivots, jnp.broadcast_to(eye, L.shape), lower=True)
        return jnp.where(regular[..., None], found, 0)
    rows: list[Array] = []
    for i in range(n):
        known = sum((L[..., i, j, None] * rows[j] for j in range(i)), jnp.zeros_like(L[..., i, :]))
        rows.append((eye[i] - known) * one_over[..., i, None])
    return jnp.stack(rows, axis=-2)


def _gram_schmidt(A: Array) -> Array:
    # Rows of size 1: their squares neither vanish nor overflow, whatever the rows' own sizes are.
    size = jnp.abs(A).max(-1, keepdims=True)
    size = jnp.where(size > 0, size, 1)
    rest, inner = A / size, []
    for i in range(A.shape[-2]):
        inner.append((rest[..., i, None, :] * rest).sum(-1))
        square = _or_one(inner[i][..., i, None, None])
        rest = rest - inner[i][..., None] * rest[..., i, None, :] / square
    products = jnp.stack(inner, axis=-1)
    pivot = jnp.sqrt(_or_one(jnp.diagonal(products, axis1=-2, axis2=-1)))
    return jnp.tril(size * products / pivot[..., None, :])


def _or_one(x: Array) -> Array:
    return jnp.where(x > jnp.finfo(x.dtype).tiny, x, 1)


def _householder(A: Array) -> Array:
    # A row of zeros gets a column of its own: LAPACK would pass to the rows below what has no place there.
    zero = (A == 0).all(-1, keepdims=True) * jnp.eye(A.shape[-2], dtype=A.dtype)
    R = jnp.linalg.qr(jnp.concatenate([A, zero], axis=-1).mT, mode="r")
    negative = jnp.diagonal(R, axis1=-2, axis2=-1)[..., None, :] < 0
    return jnp.where(negative, -R.mT, R.mT) - zero
