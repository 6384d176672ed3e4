"""The border of forecasting: datasets in, checked arrays for the device, datasets out."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from dynlearn.errors import ArgumentError
from dynlearn.forecasting._paths import finite
from dynlearn.models import AbstractModel, Signature
from dynlearn.numerics.window import Window, cut
from dynlearn.trajectories import schema
from dynlearn.trajectories.sampling import RTOL


class Ahead(NamedTuple):
    """What drives a rollout, one row per run: instants now..horizon, and the controls at them."""

    time: Float[np.ndarray, "run horizon+1"]
    control: Float[np.ndarray, "run horizon+1 control"]

    @property
    def device(self) -> tuple[Array, Array, Array]:
        """(control, time, interval), intervals differenced before rounding.

        A control that is not known (NaN, allowed at the last instant, from which no step starts) is 0 here.
        """
        control = np.where(np.isnan(self.control), 0.0, self.control)
        return jnp.asarray(control), jnp.asarray(self.time), jnp.asarray(np.diff(self.time, axis=1))


def check_model(verb: str, model: object) -> None:
    if not isinstance(model, AbstractModel):
        hint = "; pass result.model" if hasattr(model, "model") else ""
        raise ArgumentError(f"{verb}: expected a fitted model, got {type(model).__name__}{hint}.")


def last_samples(ds: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Index and instant of the last sample of each run."""
    t = schema.times_2d(ds)
    index = np.isfinite(t).sum(1) - 1
    return index, t[np.arange(t.shape[0]), index]


def ahead(
    model: AbstractModel, context: xr.Dataset, horizon: int | None, times: object, controls: object
) -> Ahead:
    """Instants and controls of a forecast that starts at the last sample of each run of `context`."""
    index, now = last_samples(context)
    instants = _instants(model, context, now, horizon, times)
    known = _future_controls(model, controls, instants, context["trajectory"].values)
    present = _present_controls(model, context, index)
    return Ahead(
        np.concatenate([now[:, None], instants], axis=1), np.concatenate([present[:, None], known], axis=1)
    )


def _instants(model, context, now: np.ndarray, horizon: int | None, times: object) -> np.ndarray:
    if (horizon is None) == (times is None):
        raise ArgumentError(
            f"forecast: expected either horizon (a number of steps) or times (instants), got {horizon=}, {times=}."
        )
    if times is not None:
        return _given_instants(model, now, times)
    if not isinstance(horizon, int | np.integer) or isinstance(horizon, bool) or horizon < 1:
        raise ArgumentError(f"horizon: expected an integer >= 1 (a number of steps), got {horizon!r}.")
    interval = model.signature.interval or context.dyn.sampling().interval
    if interval is None:
        raise ArgumentError(
            "horizon: the context is unevenly sampled, so a step has no length; pass times=[...] instead."
        )
    return now[:, None] + interval * np.arange(1, horizon + 1)


def _given_instants(model: AbstractModel, now: np.ndarray, times: object) -> np.ndarray:
    instants = np.asarray(times)
    if instants.dtype.kind not in "iuf":
        raise ArgumentError(
            f"times: expected numbers in the context's time unit, got dtype {instants.dtype}."
        )
    instants = instants.astype(float)
    if instants.ndim == 1:
        instants = np.broadcast_to(instants, (now.size, instants.size))
    if instants.ndim != 2 or instants.shape[0] != now.size or instants.shape[1] == 0:
        raise ArgumentError(
            f"times: expected shape (time,) or ({now.size} runs, time), got {instants.shape}."
        )
    full = np.concatenate([now[:, None], instants], axis=1)
    if not np.isfinite(full).all() or (np.diff(full, axis=1) <= 0).any():
        raise ArgumentError(
            f"times: expected finite, strictly increasing instants after the context's last samples "
            f"{now.tolist()}, got {np.asarray(times).tolist()}."
        )
    interval = model.signature.interval
    if interval is not None and (abs(np.diff(full, axis=1) - interval) > RTOL * interval).any():
        raise ArgumentError(
            f"times: this is a discrete-time model with interval {interval:g} {model.signature.time_unit}; pass "
            f"horizon=..., or use a continuous-time model."
        )
    return instants


def _future_controls(
    model: AbstractModel, controls: object, instants: np.ndarray, ids: np.ndarray
) -> np.ndarray:
    """Shape (run, horizon, control): the controls at the forecast instants."""
    names, (runs, horizon) = model.signature.control_names, instants.shape
    if not names:
        if controls is not None:
            raise ArgumentError("controls: this model has none; leave the argument out.")
        return np.zeros((runs, horizon, 0))
    if controls is None:
        raise ArgumentError(
            f"controls: the model is driven by {list(names)}; pass their values at the {horizon} forecast instants, "
            f"shape ({horizon}, {len(names)}) or ({runs}, {horizon}, {len(names)})."
        )
    if isinstance(controls, xr.Dataset | xr.DataArray):
        values = _named(controls, model.signature, ids)
    else:
        values = np.asarray(controls)
    if values.dtype.kind not in "biuf":
        raise ArgumentError(f"controls: expected numbers, got dtype {values.dtype} ({controls!r:.80}).")
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
    return _finite_controls(values, model.signature.hold)


def _finite_controls(values: np.ndarray, hold: str) -> np.ndarray:
    """Held controls may be unknown at the last instant, from which no step starts; interpolated ones may not."""
    used = values if hold == "linear" else values[:, :-1]
    if not np.isfinite(used).all() or np.isinf(values).any():
        raise ArgumentError("controls: expected finite numbers at every forecast instant, got NaN or inf.")
    return values


def _named(controls: xr.Dataset | xr.DataArray, signature: Signature, ids: np.ndarray) -> np.ndarray:
    """Controls by name and run, in the model's and the context's order."""
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
    return array.transpose(*order).values


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


def _present_controls(model: AbstractModel, context: xr.Dataset, index: np.ndarray) -> np.ndarray:
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


def check_inferred(model: AbstractModel, ds: xr.Dataset, now: np.ndarray, known: np.ndarray) -> None:
    """The state at index `now` of every run must be known."""
    ids = schema.run_ids(ds)
    for i in np.flatnonzero(now + 1 < model.required):
        raise ArgumentError(
            f"context: the model needs {model.required} samples, run {ids[i]!r} gives {now[i] + 1}; give a longer one."
        )
    for i in np.flatnonzero(~known):
        raise ArgumentError(
            f"context: the state of run {ids[i]!r} cannot be inferred: too many outputs are missing in its last "
            f"{model.memory} samples (the model needs {model.required} complete ones in a row, or one measured value "
            f"per output if that is 1); give a longer or fuller context."
        )


def inferable(model: AbstractModel, context: xr.Dataset, now: np.ndarray) -> np.ndarray:
    """From which runs the model can infer a state at index `now`."""
    known = _inferred(model, context.dyn.to_device(), jnp.asarray(now))
    return np.asarray(known) & (now + 1 >= model.required)


@eqx.filter_jit
def _inferred(model: AbstractModel, runs: Window, now: Array) -> Array:
    def one(i, k):
        return finite(model.infer(cut(runs, i, k, model.memory, 0)))

    return jax.vmap(one)(jnp.arange(now.shape[0]), now)
