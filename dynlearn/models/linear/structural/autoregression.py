"""AR: a stationary autoregression."""

from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dynlearn.errors import check_count
from dynlearn.models.linear.structural.piece import Block, Piece, check_deviation, deviation
from dynlearn.numerics.plain import plain


class AR(Piece):
    """a_{k+1} = phi_1 a_k + ... + phi_p a_{k-p+1} + scale w_k, stationary for every value of its parameters.

    Starts from its stationary distribution.

    Args:
        order: p >= 1.
        scale: standard deviation of w, in the output's unit, where a fit starts.

    Raises:
        ArgumentError: an order below 1, a negative scale.

    Reference: Barndorff-Nielsen, Schou, "On the parametrization of autoregressive models by partial
    autocorrelations", J. Multivariate Anal. 1973.

    >>> from dynlearn.models import structural
    >>> structural.Level() + structural.AR(2)
    Pieces(Level, AR)
    >>> structural.AR(2).state_names
    ('ar', 'ar.1')
    """

    references: ClassVar[tuple[str, ...]] = ("barndorff1973parametrization",)
    order: int = eqx.field(static=True, converter=plain)
    scale: Any = None
    raw: Float[Array, " order"] | None = None
    """atanh of the partial autocorrelations."""

    def __check_init__(self):
        check_count("AR: order", self.order, 1)
        if not isinstance(self.scale, Array):
            check_deviation("AR: scale", self.scale)

    @property
    def state_names(self) -> tuple[str, ...]:
        return tuple("ar" if i == 0 else f"ar.{i}" for i in range(self.order))

    def scaled(self, mean: float, scale: float, controls: int) -> Self:
        raw = jnp.zeros(self.order).at[0].set(0.5)
        return type(self)(self.order, deviation(self.scale, 0.3, scale), raw)

    def coefficients(self) -> Float[Array, " order"]:
        """phi, by the Durbin-Levinson recursion from partial autocorrelations in (-1, 1)."""
        r = jnp.tanh(self.raw)  # type: ignore[arg-type]
        phi = r[:1]
        for k in range(1, self.order):
            phi = jnp.concatenate([phi - r[k] * phi[::-1], r[k : k + 1]])
        return phi

    def block(self) -> Block:
        n = self.order
        A = jnp.concatenate([self.coefficients()[None], jnp.eye(n - 1, n)])
        first = jnp.eye(n)[0]
        # P = A P A^T + e e^T, a small linear system in the entries of P.
        flat = jnp.linalg.solve(jnp.eye(n * n) - jnp.kron(A, A), jnp.outer(first, first).ravel())
        P = flat.reshape(n, n)
        chol = self.scale * jnp.linalg.cholesky((P + P.T) / 2)
        return Block(A, self.scale * jnp.outer(first, first), first, jnp.zeros(n), chol)

    def parameters(self, scale: float) -> dict[str, float]:
        phi = np.asarray(self.coefficients())
        return {"ar": abs(float(self.scale)) * scale} | {
            f"ar coefficient {i + 1}": float(v) for i, v in enumerate(phi)
        }
