"""Models whose map is linear in each of finitely many regions of the latent space."""

import abc
from typing import NamedTuple

from jaxtyping import Array, Float

from dynlearn.contract.model import AbstractModel, State


class Pieces(NamedTuple):
    r"""z' = A z + V relu(U z + c) + B v + h: the common form of all piecewise-linear maps here.

    Unit k is *on* where (U z + c)_k > 0. In a region, where the same units d are on, the map is affine:

        z' = (A + V diag(d) U) z + B v + h + V diag(d) c

    Args:
        A: `(z, z)`, what is linear everywhere.
        V: `(z, unit)`, what each unit adds where it is on.
        U: `(unit, z)`, the normals of the edges.
        c: `(unit,)`, their thresholds.
        h: `(z,)`, constant.
        B: `(z, input)`, of scaled controls (at both ends of an interval under linear hold), then static features.

    >>> import dynlearn as dl
    >>> model = dl.models.ALRNN(dl.models.Signature(("y",), interval=1.0), latent=3, nonlinear=1, key=0)
    >>> pieces = model.pieces()
    >>> pieces.U[2].tolist()  # only the last unit is rectified
    [0.0, 0.0, 1.0]
    """

    A: Float[Array, "z z"]
    V: Float[Array, "z unit"]
    U: Float[Array, "unit z"]
    c: Float[Array, " unit"]
    h: Float[Array, " z"]
    B: Float[Array, "z input"]


class AbstractPiecewiseLinear(AbstractModel):
    """Marker: a latent state z that moves by a piecewise-linear map, in scaled units."""

    @abc.abstractmethod
    def pieces(self) -> Pieces:
        """The map, region by region in one form."""

    @abc.abstractmethod
    def latent(self, state: State) -> Float[Array, " z"]:
        """z, out of a `state` as `infer` and `step` give it."""
