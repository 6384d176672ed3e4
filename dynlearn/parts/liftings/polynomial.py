"""Monomials of the delay vector."""

from itertools import combinations_with_replacement

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from dynlearn.errors import check_count
from dynlearn.numerics.plain import plain
from dynlearn.parts.liftings.dictionary import AbstractDictionary


class Polynomial(AbstractDictionary):
    """All monomials of v of total degree 2 to `degree`.

    Their number grows as C(n + degree, degree); take few delays.

    Args:
        degree: the largest total degree, at least 2.
        delays: past samples in v beside the present one.

    Raises:
        ArgumentError: a degree below 2.

    Reference: Williams, Kevrekidis, Rowley, "A data-driven approximation of the Koopman operator",
    J. Nonlinear Sci. 2015.

    >>> Polynomial(2)(jnp.array([2.0, 3.0]))  # v, then its squares and the product between
    Array([2., 3., 4., 6., 9.], dtype=float32)
    """

    degree: int = eqx.field(static=True, converter=plain, default=2)
    delays: int = eqx.field(static=True, converter=plain, default=0)

    def __check_init__(self):
        check_count("degree", self.degree, 2)

    def prepared(self, v, key):
        return self

    def features(self, v):
        n = v.shape[0]
        padded = jnp.concatenate([v, jnp.ones(1, v.dtype)])
        rows = [
            (*term, *[n] * (self.degree - d))
            for d in range(2, self.degree + 1)
            for term in combinations_with_replacement(range(n), d)
        ]
        return jnp.prod(padded[np.array(rows)], axis=1)
