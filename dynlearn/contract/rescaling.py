"""Other units: how numbers scaled in one way follow from those scaled in another, and models that can be told so."""

import abc
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Array, Float

from dynlearn.contract.model import AbstractModel
from dynlearn.contract.scaling import Scaling
from dynlearn.numerics.precision import array


class AbstractRescalable(AbstractModel):
    """Marker: an exact change of its parameters lets it compute in other units; in physical ones it says the same.

    What a fit goes on from where the scaling of the data has moved away: `dl.fit(result, more, scaling="refresh")`.
    """

    @abc.abstractmethod
    def rescaled(self, scaling: Scaling) -> Self:
        """This model with `scaling` in place of its own: the same states, forecasts and laws in physical units.

        Args:
            scaling: of the same outputs, controls and static features.

        Returns:
            A model of the same structure.

        Raises:
            ArgumentError: a part of it cannot be told in other units.
        """


class Affine(NamedTuple):
    """x = factor x' + offset, entry by entry: numbers scaled as they were, out of numbers scaled anew."""

    factor: Float[np.ndarray, " entry"]
    offset: Float[np.ndarray, " entry"]

    @classmethod
    def unchanged(cls, size: int) -> Self:
        """x = x'."""
        return cls(np.ones(size), np.zeros(size))

    def backward(self, x: Float[Array, " entry"]) -> Float[Array, " entry"]:
        """x' of `x`, in its own precision."""
        return array((np.asarray(x, float) - self.offset) / self.factor, x.dtype)


def joined(*parts: Affine) -> Affine:
    """Of the entries of all `parts`, one after the other."""
    factors, offsets = zip(*parts, strict=True)
    return Affine(np.concatenate(factors), np.concatenate(offsets))


class Rescaling(NamedTuple):
    """From one `Scaling` to another, in float64 on the host."""

    output: Affine
    control: Affine
    static: Affine
    time: float
    """Time in units of the old `time_scale`, out of time in units of the new one."""

    @classmethod
    def between(cls, old: Scaling, new: Scaling) -> Self:
        """What the numbers of `old` are, out of those of `new`."""

        def affine(name: str) -> Affine:
            mean, scale, other_mean, other_scale = (
                np.asarray(getattr(one, f"{name}_{part}"), float)
                for one in (old, new)
                for part in ("mean", "scale")
            )
            return Affine(other_scale / scale, (other_mean - mean) / scale)

        time = float(new.time_scale) / float(old.time_scale)
        return cls(affine("output"), affine("control"), affine("static"), time)

    def state(self, hidden: int) -> Affine:
        """Of a state of outputs and then so many numbers in units of their own."""
        return joined(self.output, Affine.unchanged(hidden))


def multiplied(values: Float[Array, "..."], factor: np.ndarray | float) -> Array:
    """`factor` times `values`, in their own precision."""
    return array(np.asarray(values, float) * factor, values.dtype)
