"""simulate: a model run free beside recorded data, driven by the recorded controls."""

import jax.numpy as jnp
import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError, is_count
from dynlearn.forecasting import _border, _paths
from dynlearn.forecasting.forecast import check_finite
from dynlearn.models import AbstractModel, Foreign, check_clock, for_intervals_of
from dynlearn.models._control_range import EXTRAPOLATES, check_controls
from dynlearn.numerics.keys import as_key, of_runs
from dynlearn.trajectories import schema, validate

DRAWS = 200
"""Paths drawn of a stochastic model."""


def simulate(model: AbstractModel | Foreign, ds: xr.Dataset, warmup: int = 50) -> xr.Dataset:
    """Free run over each run of `ds`: its first `warmup` samples set the state, its outputs are then not read.

    Args:
        model: a fitted model.
        ds: recorded trajectories; runs must be longer than `warmup`.
        warmup: samples per run that the initial state is inferred from.

    Returns:
        A dataset under the trajectory schema over the samples after the warm-up, at the recorded
        instants: `output` is the mean path (of a stochastic model the mean of `DRAWS` paths),
        `output_scale` the predictive standard deviation, `recorded` the measured outputs (NaN = not
        measured), `control` what was applied.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=2, length=60, key=0)
    >>> model = dl.fit(dl.models.ARX.from_data(ds, delays=1), ds, progress=False).model
    >>> dl.simulate(model, ds, warmup=10).sizes["time"]
    50
    """
    model = _border.check_model("simulate", model)
    model.signature.check(ds)
    check_clock(model, ds)
    model = for_intervals_of(model, ds)
    t, lengths = schema.times_2d(ds), ds.dyn.lengths
    if not is_count(warmup, model.required):
        raise ArgumentError(
            f"warmup: the model needs at least {model.required} samples to infer its state, got {warmup!r}."
        )
    if (lengths <= warmup).any():
        short = ds["trajectory"].values[lengths <= warmup]
        raise ArgumentError(
            f"warmup: expected fewer samples than each run has; runs {short.tolist()} have no more than {warmup}; "
            f"shorten it or drop them."
        )
    far = check_controls("control", model, _recorded(model, ds))
    now = np.full(t.shape[0], warmup - 1)
    ahead = _border.Ahead(t[:, warmup - 1 :], _controls(model, ds)[:, warmup - 1 :])
    past = _paths.pasts(ds.dyn.to_device(), jnp.asarray(now), model.memory)
    draws = DRAWS if _paths.stochastic(model) else 0
    keys = of_runs(as_key(0), schema.run_ids(ds))
    found = _paths.follow(model, past, *ahead.device, draws, keys, ahead.pieces(model))
    known, mean, scale = map(np.asarray, found[:3])
    _border.check_inferred(model, ds, known)
    inside = np.isfinite(t[:, warmup:])
    check_finite("simulate", np.where(inside[..., None], mean, 0.0), schema.run_ids(ds), ahead.time)
    beside = _dataset(ds.isel(time=slice(warmup, None)), mean, scale, inside)
    return beside.assign_attrs({EXTRAPOLATES: far}) if far else beside


def _controls(model: AbstractModel, ds: xr.Dataset) -> np.ndarray:
    """Recorded controls with what lies outside a run (padding, after its last sample) as zero."""
    values = _recorded(model, ds)
    return np.where(np.isnan(values), 0.0, values)


def _recorded(model: AbstractModel, ds: xr.Dataset) -> np.ndarray:
    if not model.signature.controls:
        return np.zeros((*schema.times_2d(ds).shape, 0))
    return ds["control"].transpose("trajectory", "time", "control_name").values.astype(float)


def _dataset(recorded: xr.Dataset, mean: np.ndarray, scale: np.ndarray, inside: np.ndarray) -> xr.Dataset:
    dims = ("trajectory", "time", "output_name")
    ds = recorded[[n for n in ("output", "control", "static") if n in recorded]].copy()
    ds["recorded"] = recorded["output"].transpose(*dims)
    ds["output"] = (dims, np.where(inside[..., None], mean, np.nan))
    ds["output_scale"] = (dims, np.where(inside[..., None], scale, np.nan))
    ds.attrs = {"dynlearn_schema": schema.SCHEMA_VERSION}
    return validate(ds)
