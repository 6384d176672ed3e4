"""Products of matrices, norms, and what is solved with a matrix."""

import math

import jax.numpy as jnp
import jax.scipy.linalg as scipy_linalg
from jaxtyping import Array, Float

from dynlearn.programs.operations.elementwise import absolute
from dynlearn.programs.table import alias, operation

alias(jnp.matmul, "mm.default", "bmm.default", "mv.default", "matmul.default")
alias(jnp.dot, "dot.default")
alias(jnp.outer, "outer.default")
alias(scipy_linalg.expm, "linalg_matrix_exp.default", "matrix_exp.default")
alias(jnp.linalg.det, "det.default", "linalg_det.default")
alias(jnp.linalg.inv, "inverse.default", "linalg_inv.default")


@operation("linear.default")
def linear(input: Array, weight: Array, bias: Array | None = None) -> Array:
    product = jnp.matmul(input, weight.T)
    return product if bias is None else product + bias


@operation("bilinear.default")
def bilinear(
    input1: Float[Array, "... i"],
    input2: Float[Array, "... j"],
    weight: Float[Array, "out i j"],
    bias: Array | None = None,
) -> Float[Array, "... out"]:
    product = jnp.einsum("...i,oij,...j->...o", input1, weight, input2)
    return product if bias is None else product + bias


@operation("addmm.default", "addmv.default", "baddbmm.default")
def addmm(self: Array, mat1: Array, mat2: Array, beta: float = 1, alpha: float = 1) -> Array:
    return _scaled(self, beta) + _scaled(jnp.matmul(mat1, mat2), alpha)


@operation("addr.default")
def addr(self: Array, vec1: Array, vec2: Array, beta: float = 1, alpha: float = 1) -> Array:
    return _scaled(self, beta) + _scaled(jnp.outer(vec1, vec2), alpha)


def _scaled(array: Array, factor: float) -> Array:
    return array if factor == 1 else factor * array


@operation("linalg_vector_norm.default")
def vector_norm(
    self: Array,
    ord: float = 2,
    dim: tuple[int, ...] | int | None = None,
    keepdim: bool = False,
    dtype: object = None,
) -> Array:
    size, axes = absolute(self), None if dim == () else dim
    if math.isinf(ord):
        return (jnp.max if ord > 0 else jnp.min)(size, axes, keepdims=keepdim)
    if ord == 0:
        return jnp.sum((size != 0).astype(self.dtype), axes, keepdims=keepdim)
    if ord == 1:
        return jnp.sum(size, axes, keepdims=keepdim)
    powers = jnp.sum(size**2 if ord == 2 else _power(size, ord), axes, keepdims=keepdim)
    return _power(powers, 1 / ord)


def _power(size: Array, exponent: float) -> Array:
    """With slope zero at zero, as PyTorch has it, where that of a root is infinite."""
    positive = size > 0
    root = jnp.sqrt if exponent == 0.5 else lambda value: value**exponent
    return jnp.where(positive, root(jnp.where(positive, size, 1)), 0 if exponent > 0 else jnp.inf)


@operation("dist.default")
def dist(self: Array, other: Array, p: float = 2) -> Array:
    return vector_norm(self - other, p)


@operation("cdist.default")
def cdist(
    x1: Float[Array, "... n d"], x2: Float[Array, "... m d"], p: float = 2, compute_mode: object = None
) -> Float[Array, "... n m"]:
    return vector_norm(x1[..., :, None, :] - x2[..., None, :, :], p, (-1,))


@operation("linalg_slogdet.default", "slogdet.default")
def slogdet(A: Float[Array, "... n n"]) -> tuple[Array, Array]:
    sign, logarithm = jnp.linalg.slogdet(A)
    return sign, logarithm


@operation("linalg_solve.default")
def solve(A: Float[Array, "... n n"], B: Array, left: bool = True) -> Array:
    if not left:
        return _turned(solve(_turned(A), _turned(B)))
    vector = B.ndim == 1 or B.shape == A.shape[:-1]
    return jnp.linalg.solve(A, B[..., None])[..., 0] if vector else jnp.linalg.solve(A, B)


@operation("linalg_solve_triangular.default")
def solve_triangular(
    self: Array, B: Array, upper: bool, left: bool = True, unitriangular: bool = False
) -> Array:
    if not left:
        return _turned(
            solve_triangular(_turned(self), _turned(B), upper=not upper, unitriangular=unitriangular)
        )
    return scipy_linalg.solve_triangular(self, B, lower=not upper, unit_diagonal=unitriangular)


def _turned(A: Array) -> Array:
    return jnp.swapaxes(A, -1, -2)


@operation("linalg_cholesky.default")
def cholesky(self: Float[Array, "... n n"], upper: bool = False) -> Array:
    return jnp.linalg.cholesky(self, upper=upper)


@operation("linalg_eigh.default")
def eigh(A: Float[Array, "... n n"], UPLO: str = "L") -> tuple[Array, Array]:
    values, vectors = jnp.linalg.eigh(A, UPLO)
    return values, vectors


@operation("linalg_eigvalsh.default")
def eigvalsh(A: Float[Array, "... n n"], UPLO: str = "L") -> Array:
    return eigh(A, UPLO)[0]
