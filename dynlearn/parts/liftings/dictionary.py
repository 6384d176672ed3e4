"""What a dictionary is: nonlinear features of a delay vector, in which dynamics become linear."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from dynlearn.errors import ArgumentError, check_count


class AbstractDictionary(eqx.Module):
    """Features of the delay vector v; `delays` is how many past samples enter it beside the present one.

    z = [v, features(v)]
    """

    delays: eqx.AbstractVar[int]

    @abc.abstractmethod
    def prepared(self, v: Float[Array, "pair v"], key: Key[Array, ""]) -> "AbstractDictionary":
        """This dictionary with everything it takes from data (centres, frequencies) or draws from `key`.

        Args:
            v: delay vectors of the training data.
            key: of what is drawn.

        Returns:
            A dictionary that can be called; itself where it takes nothing from data.
        """

    @abc.abstractmethod
    def features(self, v: Float[Array, " v"]) -> Float[Array, " feature"]:
        """What is appended to `v`."""

    def __call__(self, v: Float[Array, " v"]) -> Float[Array, " z"]:
        return jnp.concatenate([v, self.features(v)])

    def __check_init__(self):
        check_count("delays", self.delays, 0)


def check_bandwidth(bandwidth: float) -> None:
    if not bandwidth > 0:
        raise ArgumentError(f"bandwidth: expected a number > 0 (median distances), got {bandwidth!r}.")


def median_distance(v: Float[Array, "pair v"], key: Key[Array, ""], pairs: int = 1000) -> Float[Array, ""]:
    i, j = jax.random.randint(key, (2, pairs), 0, v.shape[0])
    rows = np.asarray(v)
    distance = np.sqrt(np.sum((rows[np.asarray(i)] - rows[np.asarray(j)]) ** 2, axis=1))
    return jnp.asarray(max(np.median(distance), 1e-6), rows.dtype)


def check_enough(name: str, v: Array, needed: int) -> None:
    if v.shape[0] < needed:
        raise ArgumentError(
            f"{name}: needs at least {needed} complete delay vectors in the data, found {v.shape[0]}; "
            + (f"use count={v.shape[0]} or fewer, " if name == "Radial" else "")
            + "use fewer delays, or give more data."
        )
