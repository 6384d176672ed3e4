"""What a dictionary is: nonlinear features of a delay vector, in which dynamics become linear."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from dynlearn.contract.checks.memory import check_memory
from dynlearn.errors import ArgumentError


class AbstractDictionary(eqx.Module):
    """Features of the delay vector v; `delays` is how many past samples enter it beside the present one.

    z = [v, features(v)]
    """

    delays: eqx.AbstractVar[int]

    @abc.abstractmethod
    def prepared(self, v: Any, key: Key[Array, ""]) -> "AbstractDictionary":
        """This dictionary with everything it takes from data (centres, frequencies) or draws from `key`.

        Args:
            v: delay vectors of the training data, `(row, v)`: an array, or what has its length, its shape and its
                rows at the places of an array.
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
        check_memory(self.delays, 0, name="delays")


def check_bandwidth(bandwidth: float) -> None:
    if not bandwidth > 0:
        raise ArgumentError(f"bandwidth: expected a number > 0 (median distances), got {bandwidth!r}.")


def pairs(key: Key[Array, ""], rows: Int[Array, ""]) -> Int[Array, "2 pair"]:
    """Pairs of the so many rows of v, drawn at random."""
    return jax.random.randint(key, (2, 1000), 0, rows)


def median_distance(v: Any, drawn: Int[Array, "2 pair"]) -> float:
    """Between the rows of v that `pairs` drew."""
    i, j = np.asarray(drawn)
    apart = np.asarray(v[i]) - np.asarray(v[j])
    return max(float(np.median(np.sqrt(np.sum(apart**2, axis=1)))), 1e-6)


def check_enough(name: str, v: Any, needed: int) -> None:
    if v.shape[0] < needed:
        raise ArgumentError(
            f"{name}: needs at least {needed} complete delay vectors in the data, found {v.shape[0]}; "
            + (f"use count={v.shape[0]} or fewer, " if name == "Radial" else "")
            + "use fewer delays, or give more data."
        )
