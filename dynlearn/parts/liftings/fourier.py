"""Random Fourier features."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from dynlearn.contract.scaling import Fixed
from dynlearn.errors import check_count
from dynlearn.numerics.plain import plain
from dynlearn.numerics.precision import array, compiled
from dynlearn.parts.liftings.dictionary import (
    AbstractDictionary,
    check_bandwidth,
    check_enough,
    median_distance,
    pairs,
)


class Fourier(AbstractDictionary, Fixed):
    """Random Fourier features cos(w v + b), w ~ N(0, 1/bandwidth^2): a Gaussian kernel in `count` terms.

    Args:
        count: features.
        delays: past samples in v beside the present one.
        bandwidth: in units of the median distance between delay vectors.
        frequency: w, `(feature, v)`; `prepared` draws them.
        phase: b, `(feature,)`; `prepared` draws them.

    Raises:
        ArgumentError: a count below 1, a bandwidth that is not above 0.

    Reference: Rahimi, Recht, "Random features for large-scale kernel machines", NeurIPS 2007.

    >>> v = jnp.stack([jnp.arange(6.0), jnp.ones(6)], 1)
    >>> Fourier(count=5).prepared(v, jax.random.key(0))(v[0]).shape  # v and five features
    (7,)
    """

    references: ClassVar[tuple[str, ...]] = ("rahimi2007random",)
    count: int = eqx.field(static=True, converter=plain, default=100)
    delays: int = eqx.field(static=True, converter=plain, default=0)
    bandwidth: float = eqx.field(static=True, converter=plain, default=1.0)
    frequency: Float[Array, "feature v"] | None = None
    phase: Float[Array, " feature"] | None = None

    def __check_init__(self):
        check_count("count", self.count, 1)
        check_bandwidth(self.bandwidth)

    def prepared(self, v, key):
        check_enough("Fourier", v, 2)
        drawn, normal, phase = _drawn(key, array(len(v), int), self.count, v.shape[1])
        width = self.bandwidth * median_distance(v, drawn)
        return Fourier(self.count, self.delays, self.bandwidth, array(np.asarray(normal) / width), phase)

    def features(self, v):
        return jnp.cos(self.frequency @ v + self.phase)


@compiled
def _drawn(
    key: Key[Array, ""], rows: Int[Array, ""], count: int, size: int
) -> tuple[Int[Array, "2 pair"], Float[Array, "feature v"], Float[Array, " feature"]]:
    for_w, for_b = jax.random.split(key)
    normal = jax.random.normal(for_w, (count, size), float)
    return pairs(key, rows), normal, jax.random.uniform(for_b, (count,), float, 0, 2 * jnp.pi)
