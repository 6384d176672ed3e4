"""Going on from an earlier fit: its model, as other data find it."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from dynlearn.contract.foreign import Foreign
from dynlearn.contract.markers import AbstractClosedForm
from dynlearn.contract.members import each_of, has_members, kind_of, like, one_of, stacked
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.rescaling import AbstractRescalable
from dynlearn.contract.scaling import Scaling
from dynlearn.errors import ArgumentError, check_known
from dynlearn.fitting.methods.least_squares import LeastSquares
from dynlearn.trajectories.device.fold import compact

KEEP, REFRESH = "keep", "refresh"
FAR = 20.0
"""Deviations of the earlier data from their mean, or times their deviation: weights that know no data further off."""


def check_scaling(scaling: str, earlier: object, source: object) -> None:
    """Raise where there is nothing to refresh."""
    check_known("scaling", [scaling], (KEEP, REFRESH))
    if scaling == KEEP:
        return
    if earlier is None:
        raise ArgumentError(
            f"scaling={scaling!r}: expected the result of an earlier fit to go on from, got a {type(source).__name__}, "
            f"whose scaling from_data has found; leave it out, or pass the result."
        )
    if isinstance(source, Foreign):
        raise ArgumentError(
            f"scaling={scaling!r}: a model of another framework keeps its own units; leave it out, or fit a new one to "
            f"all data."
        )


def check_near(model: AbstractModel, train: xr.Dataset, method: object, scaling: str, foreign: bool) -> None:
    """Raise where small steps are to lead to data that are nothing like those of the earlier fit, in its units.

    Of families whose weights are of those units; in physical ones (mean 0, scale 1) nobody said where data lie.
    """
    descends = getattr(method, "takes_objective", False)
    if scaling != KEEP or not descends or not isinstance(kind_of(model), AbstractRescalable):
        return
    known, found = one_of(model).scaling.on_host(), compact(train)["output"].astype("float64")
    over = [d for d in found.dims if d != "output_name"]
    mean, spread = found.mean(over).values, found.std(over).values
    offset, factor = (mean - known.output_mean) / known.output_scale, spread / known.output_scale
    scaled = (known.output_mean != 0) | (known.output_scale != 1)
    far = scaled & ((np.abs(offset) + factor > FAR) | ((factor > 0) & (factor < 1 / FAR)))
    if not far.any():
        return
    j = int(np.argmax(far))
    told = not foreign and _can_be_told(model, train)
    remedy = "go on with scaling='refresh'" if told else "fit a new model to all data, from_data(train)"
    raise ArgumentError(
        f"train: output {model.signature.output_names[j]!r} has mean {mean[j]:.4g} and deviation {spread[j]:.4g} here, "
        f"in the earlier fit {known.output_mean[j]:.4g} and {known.output_scale[j]:.4g}, which its weights are made "
        f"for; {remedy}."
    )


def _can_be_told(model: AbstractModel, train: xr.Dataset) -> bool:
    try:
        one_of(model).rescaled(Scaling.of(train))  # type: ignore[attr-defined]
    except ArgumentError:
        return False
    return True


def going_on(model: AbstractModel, train: xr.Dataset, method: object, scaling: str) -> AbstractModel:
    """The model to start from: in the units of `train`, or in its own with the range of its controls grown."""
    _check_moves(model, train, method)
    return _widened(model, train) if scaling == KEEP else _refreshed(model, train, method)


def _check_moves(model: AbstractModel, train: xr.Dataset, method: object) -> None:
    """A control that never moved has no scale, and small steps from weights that never met it lead nowhere."""
    if not getattr(method, "takes_objective", False) or model.signature.controls == 0:
        return
    before, after = one_of(model).scaling, one_of(model).scaling.widened(train)
    still = np.asarray(before.control_low == before.control_high)
    moves = still & np.asarray(after.control_low < after.control_high)
    if moves.any():
        name = model.signature.control_names[int(np.argmax(moves))]
        raise ArgumentError(
            f"train: control {name!r} moves here and never did in the earlier fit, so that the model has no scale for "
            f"it; fit a new model to all data, from_data(train), instead of going on."
        )


def _refreshed(model: AbstractModel, train: xr.Dataset, method: object) -> AbstractModel:
    """With the scaling of `train`, which says the same in physical units; or which `method` solves for anew."""
    new, kind = Scaling.of(train), kind_of(model)
    if isinstance(kind, AbstractClosedForm) and isinstance(method, LeastSquares):
        return _with(model, {field.name: getattr(new, field.name) for field in dataclasses.fields(new)})
    if not isinstance(kind, AbstractRescalable):
        raise ArgumentError(
            f"scaling='refresh': {type(kind).__name__} knows no change of its parameters that leaves it as it is in "
            f"other units; go on with scaling='keep', or fit a new model to all data, from_data(train)."
        )
    found = [one.rescaled(new) for one in each_of(model)]  # type: ignore[attr-defined]
    return like(model, stacked(found)) if has_members(model) else found[0]


def _widened(model: AbstractModel, train: xr.Dataset) -> AbstractModel:
    """The model, which knows its controls as far as they go in `train`."""
    if model.signature.controls == 0:
        return model
    wide = one_of(model).scaling.widened(train)
    return _with(model, {"control_low": wide.control_low, "control_high": wide.control_high})


def _with(model: AbstractModel, numbers: dict[str, jax.Array]) -> AbstractModel:
    """With these in every scaling of it."""
    count = model.size if has_members(model) else None

    def known(node: Any) -> Any:
        if not isinstance(node, Scaling):
            return node
        if count is None:
            return dataclasses.replace(node, **numbers)
        each = {name: jnp.broadcast_to(values, (count, *values.shape)) for name, values in numbers.items()}
        return dataclasses.replace(node, **each)

    return jax.tree.map(known, model, is_leaf=lambda node: isinstance(node, Scaling))
