"""What a cell is: a map z' = F(z, v) that is linear in each of finitely many regions."""

import abc
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.piecewise_linear import Pieces
from dynlearn.contract.rescaling import Affine


class AbstractCell(eqx.Module):
    """z' = F(z, v): `drive` holds B, by which inputs v (scaled controls, then static features) enter."""

    drive: eqx.AbstractVar[Float[Array, "z input"]]
    h: eqx.AbstractVar[Float[Array, " z"]]
    rows: eqx.AbstractClassVar[tuple[str, ...]]
    """The arrays beside h with a row for every unit of z', which is 0 where those are."""

    @abc.abstractmethod
    def __call__(self, z: Float[Array, " z"], v: Float[Array, " input"]) -> Float[Array, " z"]: ...

    @abc.abstractmethod
    def pieces(self) -> Pieces:
        """The same map in its common form."""

    @abc.abstractmethod
    def rescaled(self, state: Affine, inputs: Affine) -> Self:
        """The same map of z' and v' in other units, z = `state` of z', v = `inputs` of v'.

        Raises:
            ArgumentError: rectifiers that cannot be told in them.
        """

    def constant(self, value: Float[Array, " z"]) -> Self:
        """The same map, but for units that are always this; NaN of those that change."""
        changes = jnp.isnan(value)

        def kept(leaf: Array) -> Array:
            return jnp.where(changes.reshape(-1, *(1,) * (leaf.ndim - 1)), leaf, 0)

        new = [*(kept(getattr(self, name)) for name in self.rows), jnp.where(changes, self.h, value)]
        return eqx.tree_at(lambda cell: [getattr(cell, name) for name in (*self.rows, "h")], self, new)


def decays(size: int, key: Key[Array, ""]) -> Float[Array, " z"]:
    """A diagonal to start from: units that remember over one to ten samples."""
    return jax.random.uniform(key, (size,), minval=0.3, maxval=0.9)


def small(shape: tuple[int, ...], key: Key[Array, ""]) -> Float[Array, "..."]:
    """Weights near zero, so that a fit starts from a map that decays and not from chaos of its own."""
    return 0.01 * jax.random.normal(key, shape)


def inputs(size: int, count: int, key: Key[Array, ""]) -> Float[Array, "z input"]:
    """Of scaled inputs, to states of the size of one over a few samples."""
    return 0.1 * jax.random.normal(key, (size, count))
