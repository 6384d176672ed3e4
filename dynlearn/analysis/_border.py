"""What every analysis checks of a model, a control and an orbit, and what it writes on what it returns."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeGuard

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from dynlearn.contract.checks.absolute_time import reads_time
from dynlearn.contract.checks.control_range import EXTRAPOLATES, check_controls
from dynlearn.contract.foreign import as_model
from dynlearn.contract.members import has_members
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, DivergedError, check_known, is_number
from dynlearn.trajectories import schema
from dynlearn.trajectories.sampling import sampling

Control = Mapping[str, float] | Sequence[float] | float | None
"""What is applied all along, in physical units: by name, in the signature's order, or the one there is."""


def is_finite(value: object) -> TypeGuard[float]:
    return is_number(value) and math.isfinite(value)


def checked(verb: str, model: object) -> AbstractModel:
    """One model, of the package's own, whose map is the same at every instant."""
    hint = "; pass result.model" if hasattr(model, "history") and hasattr(model, "model") else ""
    model = as_model(model)
    if has_members(model):
        raise ArgumentError(
            f"{verb}: expected one model, got {type(model).__name__}; pass one member, model.member(0)."
        )
    if not isinstance(model, AbstractModel):
        raise ArgumentError(f"{verb}: expected a dynlearn model, got {type(model).__name__}{hint}.")
    if reads_time(model):
        raise ArgumentError(
            f"{verb}: expected dynamics that are the same at every instant, a function in {type(model).__name__} reads "
            f"the time; make what depends on it a state, such as a phase, or a control."
        )
    return model


def constant(verb: str, model: AbstractModel, control: Control) -> Float[np.ndarray, " control"]:
    """The control that is applied all along.

    Raises:
        ArgumentError: none where the model has controls, one where it has none, other names, no finite numbers.
    """
    names = model.signature.control_names
    if control is None:
        if names:
            raise ArgumentError(
                f"{verb}: the model has the controls {list(names)}; say what is applied all along, "
                f"control={{name: value}}."
            )
        return np.zeros(0)
    if isinstance(control, Mapping):
        check_known("control", control, names)
        if missing := [name for name in names if name not in control]:
            raise ArgumentError(
                f"{verb}: control: expected a value for every control, {missing} are missing."
            )
        control = [control[name] for name in names]
    values = list(control) if isinstance(control, Iterable) and np.ndim(control) == 1 else [control]
    if len(values) != len(names) or not all(map(is_finite, values)):
        raise ArgumentError(
            f"{verb}: control: expected one finite number for each of {list(names)}, got {control!r:.80}."
        )
    found = np.asarray(values, float)
    check_controls("control", model, found)
    return found


def step_of(verb: str, model: AbstractModel, context: xr.Dataset, interval: float | None) -> float:
    """The time that one step takes: the model's own, or in continuous time what was asked for or the data have."""
    own = model.signature.interval
    if interval is None:
        found = own if own is not None else sampling(context).typical
        if found is None:
            raise ArgumentError(
                f"{verb}: interval: expected a time, the runs of one sample do not say how far apart states are; give "
                f"interval=."
            )
        return float(found)
    if not (is_finite(interval) and interval > 0):
        raise ArgumentError(f"{verb}: interval: expected a time > 0, got {interval!r}.")
    if own is not None and not np.isclose(interval, own, rtol=1e-3):
        raise ArgumentError(
            f"{verb}: interval: {type(model).__name__} steps over {own:g} and nothing else, got {interval:g}; leave it "
            f"out."
        )
    return float(interval if own is None else own)


def check_alike(verb: str, model: AbstractModel, context: xr.Dataset) -> None:
    """Raise where the runs have different static features, and so different maps."""
    if model.signature.statics:
        features = context["static"].transpose("trajectory", "static_name").values
        if not (features == features[:1]).all():
            raise ArgumentError(
                f"{verb}: expected runs with the same static features, whose map is one, they differ; take the runs of "
                f"one, such as ds.isel(trajectory=[0])."
            )


def check_stays(verb: str, context: xr.Dataset, stays: Bool[np.ndarray, " run"]) -> None:
    """Raise where the orbit from a run left the finite numbers."""
    if not stays.all():
        raise DivergedError(
            f"{verb}: the orbit from run {schema.run_ids(context)[int(np.argmin(stays))]!r} is not finite: the model "
            f"diverges from there."
        )


def labelled(
    found: xr.Dataset, model: AbstractModel, control: Float[np.ndarray, "run control"]
) -> xr.Dataset:
    """`found` with names and units of the outputs, and a word of extrapolation."""
    signature = model.signature
    found = found.assign_coords(output_name=list(signature.output_names))
    if signature.output_units:
        found = found.assign_coords(output_unit=("output_name", list(signature.output_units)))
    return extrapolating(found, model, control)


def extrapolating(
    found: xr.Dataset, model: AbstractModel, control: Float[np.ndarray, "run control"]
) -> xr.Dataset:
    """`found`, with a word where a control is far from those in training."""
    far = check_controls("control", model, control)
    return found.assign_attrs({EXTRAPOLATES: far}) if far else found
