"""The controls that drive a forecast: by name, by run, at the forecast's own instants."""

import numpy as np
import xarray as xr

from dynlearn.contract.markers import AbstractAutonomous
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError
from dynlearn.trajectories import schema
from dynlearn.trajectories.hold import Hold
from dynlearn.trajectories.numbers import as_float


def future(model: AbstractModel, controls: object, instants: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Shape (run, horizon, control): the controls at the forecast instants."""
    names, (runs, horizon) = model.signature.control_names, instants.shape
    if not names:
        if controls is not None:
            raise ArgumentError("controls: this model has none; leave the argument out.")
        return np.zeros((runs, horizon, 0))
    if controls is None and isinstance(model, AbstractAutonomous):
        raise ArgumentError(
            f"controls: {type(model).__name__} does not read {list(names)}, but a forecast records them; pass what "
            f"will be applied, or make the model from data without them, e.g. ds.drop_dims('control_name')."
        )
    if controls is None:
        raise ArgumentError(
            f"controls: the model is driven by {list(names)}; pass their values at the {horizon} forecast instants, "
            f"shape ({horizon}, {len(names)}) or ({runs}, {horizon}, {len(names)})."
        )
    if isinstance(controls, xr.Dataset | xr.DataArray):
        values = _named(controls, model.signature, ids, instants)
    else:
        values = as_float("controls", controls)
    values, came = values.astype(float), values.shape
    if values.ndim == 2:
        values = np.broadcast_to(values, (runs, *values.shape))
    if values.ndim != 3 or values.shape[0] != runs or values.shape[2] != len(names):
        raise ArgumentError(
            f"controls: expected shape ({horizon}, {len(names)}) or ({runs}, {horizon}, {len(names)}), "
            f"got {came}."
        )
    if values.shape[1] < horizon:
        raise ArgumentError(
            f"controls: the horizon has {horizon} steps, the controls {values.shape[1]}; pass as many, or shorten it."
        )
    if values.shape[1] > horizon:
        raise ArgumentError(
            f"controls: the horizon has {horizon} steps, the controls {values.shape[1]}; cut them to the horizon."
        )
    return _finite_controls(values, instants, model.signature.hold)


def _finite_controls(values: np.ndarray, instants: np.ndarray, hold: Hold) -> np.ndarray:
    """Held controls may be unknown at the last instant, from which no step starts; interpolated ones may not."""
    used = np.isfinite(instants)
    if not hold.known_at_end:
        used[:, :-1] &= used[:, 1:].copy()
        used[:, -1] = False
    if not np.isfinite(values[used]).all() or np.isinf(values).any():
        raise ArgumentError("controls: expected finite numbers at every forecast instant, got NaN or inf.")
    return values


def _named(
    controls: xr.Dataset | xr.DataArray, signature: Signature, ids: np.ndarray, instants: np.ndarray
) -> np.ndarray:
    """Controls by name and run, in the model's and the context's order, at the forecast's instants."""
    names = signature.control_names
    if isinstance(controls, xr.Dataset) and "control" not in controls:
        raise ArgumentError(
            f"controls: expected a Dataset with the variable 'control', got {list(controls.data_vars)}."
        )
    array = controls["control"] if isinstance(controls, xr.Dataset) else controls
    if "control_name" not in array.dims or set(array["control_name"].values) != set(names):
        came = array["control_name"].values.tolist() if "control_name" in array.coords else list(array.dims)
        raise ArgumentError(f"controls: expected a control_name dimension with {list(names)}, got {came}.")
    array = array.sel(control_name=list(names))
    _check_units(array, signature)
    if "trajectory" in array.dims and "trajectory" in array.coords:
        if array["trajectory"].size != ids.size or set(array["trajectory"].values) != set(ids):
            raise ArgumentError(
                f"controls: expected the context's runs {ids.tolist()}, got {array['trajectory'].values.tolist()}; "
                f"select the same runs, or pass the values alone."
            )
        array = array.sel(trajectory=ids)
    order = [d for d in ("trajectory", "time", "control_name") if d in array.dims]
    array = array.transpose(*order)
    _check_instants(array, instants)
    return array.values


def _check_instants(array: xr.DataArray, instants: np.ndarray) -> None:
    """Controls that know their own times must be those of the forecast."""
    if "t" not in array.coords or array.sizes.get("time") != instants.shape[1]:
        return
    t = array["t"].transpose(*(d for d in ("trajectory", "time") if d in array["t"].dims)).values
    # Half a step: clocks jitter, and a grid drifts from them; a wrong period is off by more.
    gaps = np.diff(instants, axis=1)
    tolerance = 0.5 * np.nanmin(gaps) if np.isfinite(gaps).any() else 1e-9 * np.nanmax(np.abs(instants))
    if (np.abs(t - instants) > tolerance).any():
        first = np.atleast_2d(t)[0]
        raise ArgumentError(
            f"controls: expected values at the forecast's instants {instants[0, 0]:g} to {instants[0, -1]:g}, these "
            f"are of {first[0]:g} to {first[-1]:g}; select that period, or pass the values alone (controls.values)."
        )


def _check_units(array: xr.DataArray, signature: Signature) -> None:
    if "control_unit" not in array.coords or not signature.control_units:
        return
    for name, want, got in zip(
        signature.control_names, signature.control_units, array["control_unit"].values, strict=True
    ):
        if want and got and want != got:
            raise ArgumentError(
                f"controls: the model's unit of {name!r} is {want!r}, got {str(got)!r}; convert the values."
            )


def present(model: AbstractModel, context: xr.Dataset, index: np.ndarray) -> np.ndarray:
    """What is applied from the context's last sample on."""
    if not model.signature.control_names:
        return np.zeros((index.size, 0))
    values = context["control"].transpose("trajectory", "time", "control_name").values
    present = values[np.arange(index.size), index].astype(float)
    if not np.isfinite(present).all():
        run = schema.run_ids(context)[int(np.argmin(np.isfinite(present).all(1)))]
        raise ArgumentError(
            f"context: the control applied from the last sample of run {run!r} on is not known (NaN), and the first "
            f"forecast step needs it; fill it in, or end the context one sample earlier."
        )
    return present
