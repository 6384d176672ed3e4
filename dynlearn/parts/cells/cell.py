"""What a cell is: a map z' = F(z, v) that is linear in each of finitely many regions."""

import abc

import equinox as eqx
import jax
from jaxtyping import Array, Float, Key

from dynlearn.contract.piecewise_linear import Pieces


class AbstractCell(eqx.Module):
    """z' = F(z, v): `drive` holds B, by which inputs v (scaled controls, then static features) enter."""

    drive: eqx.AbstractVar[Float[Array, "z input"]]

    @abc.abstractmethod
    def __call__(self, z: Float[Array, " z"], v: Float[Array, " input"]) -> Float[Array, " z"]: ...

    @abc.abstractmethod
    def pieces(self) -> Pieces:
        """The same map in its common form."""


def decays(size: int, key: Key[Array, ""]) -> Float[Array, " z"]:
    """A diagonal to start from: units that remember over one to ten samples."""
    return jax.random.uniform(key, (size,), minval=0.3, maxval=0.9)


def small(shape: tuple[int, ...], key: Key[Array, ""]) -> Float[Array, "..."]:
    """Weights near zero, so that a fit starts from a map that decays and not from chaos of its own."""
    return 0.01 * jax.random.normal(key, shape)


def inputs(size: int, count: int, key: Key[Array, ""]) -> Float[Array, "z input"]:
    """Of scaled inputs, to states of the size of one over a few samples."""
    return 0.1 * jax.random.normal(key, (size, count))
