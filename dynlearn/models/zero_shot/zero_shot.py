"""What the zero-shot families share: weights that come with the package, and how they are put to data."""

import os
from typing import Self

import xarray as xr
from jaxtyping import Array, Key

from dynlearn.contract.markers import AbstractAutonomous, AbstractDeterministic
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError
from dynlearn.models.zero_shot.build import built
from dynlearn.trajectories.once import one_call

BEYOND = 0.5
"""How far a forecast may leave the range of its context, in parts of that range."""


class AbstractZeroShot(AbstractDeterministic, AbstractAutonomous):
    """Reads a context and forecasts it; controls and static features are not read."""

    @classmethod
    @one_call
    def from_data(
        cls,
        ds: xr.Dataset,
        *,
        weights: str | os.PathLike | Self = "shipped",
        key: int | Key[Array, ""] = 0,
        **options,
    ) -> Self:
        """The weights that come with the package, for data of any system; or random ones, to be trained.

        Args:
            ds: what is to be forecast, sampled regularly: names, units, interval and scaling are read off it.
            weights: "shipped", with which `dl.forecast` works at once; "random"; a model that `dl.fitting.pretrain`
                returned, or the file of one.
            key: an int or a JAX key, for random weights.
            options: further arguments of the constructor, with random weights.

        Returns:
            A model.

        Raises:
            ArgumentError: an unknown option, or one that the constructor refuses; sizes beside weights that have them.
            FileFormatError: no file of a model.
            SchemaError: irregular sampling.
        """
        return built(cls, ds, weights, key, options)

    @property
    def method(self) -> str:
        # Weights that nobody has trained are not to be believed.
        return "calibration" if self.noise.fitted else "gradient"

    @property
    def objective(self) -> str:
        return "multi_step"


def check_interval(family: str, signature: Signature) -> None:
    """Raise `ArgumentError` for a signature without an interval."""
    if signature.interval is None:
        raise ArgumentError(
            f"{family}: expected a signature with a sampling interval, got None; resample the runs regularly."
        )
