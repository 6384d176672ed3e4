"""Dictionaries: nonlinear features of a delay vector, in which dynamics become linear.

A dictionary lifts v (`_delays`) to z = [v, features(v)]. Because v leads, the outputs are the first
entries of z and are read back exactly.
"""

import abc
from collections.abc import Callable
from itertools import combinations_with_replacement

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from dynlearn.errors import ArgumentError, check_count, check_known
from dynlearn.models._networks import ACTIVATIONS, mlp
from dynlearn.models._scaling import Fixed
from dynlearn.numerics.plain import plain


class AbstractDictionary(eqx.Module):
    """Features of the delay vector; `delays` is how many past samples enter it beside the present one."""

    delays: eqx.AbstractVar[int]

    @abc.abstractmethod
    def prepared(self, v: Float[Array, "pair v"], key: Key[Array, ""]) -> "AbstractDictionary":
        """This dictionary with everything it takes from data (centres, frequencies) or draws from `key`."""

    @abc.abstractmethod
    def features(self, v: Float[Array, " v"]) -> Float[Array, " feature"]:
        """What is appended to v."""

    def __call__(self, v: Float[Array, " v"]) -> Float[Array, " z"]:
        return jnp.concatenate([v, self.features(v)])

    def __check_init__(self):
        check_count("delays", self.delays, 0)


class Delays(AbstractDictionary):
    """z = v: the identity with `delays=0`, Hankel (time-delay) coordinates otherwise."""

    delays: int = eqx.field(static=True, converter=plain, default=10)

    def prepared(self, v, key):
        return self

    def features(self, v):
        return v[:0]


class Polynomial(AbstractDictionary):
    """All monomials of v of total degree 2 to `degree`.

    Their number grows as C(n + degree, degree); take few delays.
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


class Fourier(AbstractDictionary, Fixed):
    """Random Fourier features cos(w v + b), w ~ N(0, 1/bandwidth^2): a Gaussian kernel in `count` terms.

    `bandwidth` is in units of the median distance between delay vectors.
    Rahimi, Recht, "Random features for large-scale kernel machines", NeurIPS 2007.
    """

    count: int = eqx.field(static=True, converter=plain, default=100)
    delays: int = eqx.field(static=True, converter=plain, default=0)
    bandwidth: float = eqx.field(static=True, converter=plain, default=1.0)
    frequency: Float[Array, "feature v"] | None = None
    phase: Float[Array, " feature"] | None = None

    def __check_init__(self):
        check_count("count", self.count, 1)
        _check_bandwidth(self.bandwidth)

    def prepared(self, v, key):
        _check_enough("Fourier", v, 2)
        width = self.bandwidth * _median_distance(v, key)
        for_w, for_b = jax.random.split(key)
        frequency = jax.random.normal(for_w, (self.count, v.shape[1]), v.dtype) / width
        phase = jax.random.uniform(for_b, (self.count,), v.dtype, 0, 2 * jnp.pi)
        return Fourier(self.count, self.delays, self.bandwidth, frequency, phase)

    def features(self, v):
        return jnp.cos(self.frequency @ v + self.phase)


class Radial(AbstractDictionary, Fixed):
    """Gaussian bumps exp(-|v - c|^2 / (2 w^2)) around `count` centres drawn from the data.

    `bandwidth` is in units of the median distance between delay vectors.
    """

    count: int = eqx.field(static=True, converter=plain, default=100)
    delays: int = eqx.field(static=True, converter=plain, default=0)
    bandwidth: float = eqx.field(static=True, converter=plain, default=1.0)
    centre: Float[Array, "feature v"] | None = None
    width: Float[Array, ""] | None = None

    def __check_init__(self):
        check_count("count", self.count, 1)
        _check_bandwidth(self.bandwidth)

    def prepared(self, v, key):
        _check_enough("Radial", v, self.count)
        centre = v[jax.random.choice(key, v.shape[0], (self.count,), replace=False)]
        return Radial(
            self.count, self.delays, self.bandwidth, centre, self.bandwidth * _median_distance(v, key)
        )

    def features(self, v):
        square = jnp.sum((v - self.centre) ** 2, axis=1)
        return jnp.exp(-square / (2 * self.width**2))


class Learned(AbstractDictionary):
    """A network's features, fitted together with the linear dynamics (deep Koopman).

    Lusch, Kutz, Brunton, "Deep learning for universal linear embeddings of nonlinear dynamics",
    Nature Communications 2018.
    """

    count: int = eqx.field(static=True, converter=plain, default=32)
    delays: int = eqx.field(static=True, converter=plain, default=10)
    width: int = eqx.field(static=True, converter=plain, default=64)
    depth: int = eqx.field(static=True, converter=plain, default=2)
    activation: str = eqx.field(static=True, default="tanh")
    network: eqx.nn.MLP | None = None

    def __check_init__(self):
        for name in ("count", "width", "depth"):
            check_count(name, getattr(self, name), 1)
        check_known("activation", [self.activation], ACTIVATIONS)

    def prepared(self, v, key):
        network = mlp(v.shape[1], self.count, self.width, self.depth, self.activation, key=key)
        return Learned(self.count, self.delays, self.width, self.depth, self.activation, network)

    def features(self, v):
        return self.network(v)


DICTIONARIES: dict[str, Callable[[], AbstractDictionary]] = {
    "identity": lambda: Delays(0),
    "delays": Delays,
    "polynomial": Polynomial,
    "fourier": Fourier,
    "radial": Radial,
    "learned": Learned,
}


def _check_bandwidth(bandwidth: float) -> None:
    if not bandwidth > 0:
        raise ArgumentError(f"bandwidth: expected a number > 0 (median distances), got {bandwidth!r}.")


def _median_distance(v: Float[Array, "pair v"], key: Key[Array, ""], pairs: int = 1000) -> Float[Array, ""]:
    i, j = jax.random.randint(key, (2, pairs), 0, v.shape[0])
    distance = jnp.sqrt(jnp.sum((v[i] - v[j]) ** 2, axis=1))
    return jnp.maximum(jnp.median(distance), 1e-6)


def _check_enough(name: str, v: Array, needed: int) -> None:
    if v.shape[0] < needed:
        raise ArgumentError(
            f"{name}: needs at least {needed} complete delay vectors in the data, found {v.shape[0]}; "
            + (f"use count={v.shape[0]} or fewer, " if name == "Radial" else "")
            + "use fewer delays, or give more data."
        )
