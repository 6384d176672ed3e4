"""Outputs that never change in the training data: in forecasts of the fitted model they do not either."""

import numpy as np
import xarray as xr

from dynlearn.contract.markers import AbstractSteady
from dynlearn.contract.members import each_of, has_members, kind_of, like, one_of, stacked
from dynlearn.contract.model import AbstractModel
from dynlearn.trajectories.device.fold import compact

ROUNDING = 1e-6
"""Scaled: a model that goes on knows an output as constant that is no further from its mean in the earlier fit."""


def steadied(model: AbstractModel, train: xr.Dataset, goes_on: bool) -> AbstractModel:
    """`model`, exact about outputs that never change in `train`, where it is of a family that can be.

    Args:
        model: as a method has fitted it.
        train: the data it was fitted to.
        goes_on: whether an earlier fit knew more than these data: then what stands still here may have moved there.
    """
    if not isinstance(kind_of(model), AbstractSteady):
        return model
    y = compact(train)["output"].astype("float64")
    over = [d for d in y.dims if d != "output_name"]
    low, high = y.min(over).values, y.max(over).values
    constant = one_of(model).scaling.on_host().output(low)
    known = low == high
    if goes_on:
        known &= np.abs(constant) < ROUNDING
    if not known.any():
        return model
    constant = np.where(known, constant, np.nan)
    found = [one.steady(constant) for one in each_of(model)]  # type: ignore[attr-defined]
    return like(model, stacked(found)) if has_members(model) else found[0]
