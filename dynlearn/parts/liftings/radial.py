"""Gaussian bumps around samples of the data."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dynlearn.contract.scaling import Fixed
from dynlearn.errors import check_count
from dynlearn.numerics.plain import plain
from dynlearn.numerics.precision import array
from dynlearn.parts.liftings.dictionary import (
    AbstractDictionary,
    check_bandwidth,
    check_enough,
    median_distance,
    pairs,
)


class Radial(AbstractDictionary, Fixed):
    """Gaussian bumps exp(-|v - c|^2 / (2 w^2)) around `count` centres drawn from the data.

    Args:
        count: centres.
        delays: past samples in v beside the present one.
        bandwidth: in units of the median distance between delay vectors.
        centre: c, `(feature, v)`; `prepared` draws them from the data.
        width: w, a scalar; `prepared` computes it.

    Raises:
        ArgumentError: a count below 1, a bandwidth that is not above 0.

    Reference: Williams, Kevrekidis, Rowley, "A data-driven approximation of the Koopman operator",
    J. Nonlinear Sci. 2015.

    >>> v = jnp.stack([jnp.arange(6.0), jnp.ones(6)], 1)
    >>> Radial(count=4).prepared(v, jax.random.key(0))(v[0]).shape
    (6,)
    """

    count: int = eqx.field(static=True, converter=plain, default=100)
    delays: int = eqx.field(static=True, converter=plain, default=0)
    bandwidth: float = eqx.field(static=True, converter=plain, default=1.0)
    centre: Float[Array, "feature v"] | None = None
    width: Float[Array, ""] | None = None

    def __check_init__(self):
        check_count("count", self.count, 1)
        check_bandwidth(self.bandwidth)

    def prepared(self, v, key):
        check_enough("Radial", v, self.count)
        # The order of all rows depends on their number: a program of its own would be compiled for every one.
        chosen = np.asarray(jax.random.choice(key, len(v), (self.count,), replace=False))
        width = self.bandwidth * median_distance(v, pairs(key, array(len(v), int)))
        return Radial(self.count, self.delays, self.bandwidth, array(v[chosen]), array(width))

    def features(self, v):
        square = jnp.sum((v - self.centre) ** 2, axis=1)
        return jnp.exp(-square / (2 * self.width**2))
