"""simulate: a model run free beside recorded data, driven by the recorded controls."""

import numpy as np
import xarray as xr

from dynlearn.contract.checks.absolute_time import check_clock
from dynlearn.contract.checks.control_range import EXTRAPOLATES, check_controls
from dynlearn.contract.foreign import Foreign
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.rollout import for_intervals_of
from dynlearn.errors import ArgumentError, is_count
from dynlearn.forecasting import _paths, border
from dynlearn.forecasting.forecast import check_finite
from dynlearn.numerics.keys import as_key, of_runs
from dynlearn.trajectories import schema
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.device.pasts import pasts
from dynlearn.trajectories.once import one_call

DRAWS = 200
"""Paths drawn of a stochastic model."""


@one_call
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

    Raises:
        ArgumentError: names, units or sampling that do not fit; a `warmup` shorter than the model needs or as
            long as a run; a control that moves, and never did in training.
        DivergedError: a free run that leaves the finite numbers.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=2, length=60, key=0)
    >>> model = dl.fit(dl.models.ARX.from_data(ds, delays=1), ds, progress=False).model
    >>> dl.simulate(model, ds, warmup=10).sizes["time"]
    50
    """
    model = border.check_model("simulate", model)
    model.signature.check(ds)
    check_clock(model, ds)
    model = for_intervals_of(model, ds)
    t, lengths = schema.times_2d(ds), schema.run_lengths(ds)
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
    ahead = border.Ahead(t[:, warmup - 1 :], _controls(model, ds)[:, warmup - 1 :])
    past = pasts(ds, now, model.memory)
    draws = DRAWS if _paths.stochastic(model) else 0
    keys = of_runs(as_key(0), schema.run_ids(ds))
    found = _paths.followed(model, past, ahead.steps, draws, keys, ahead.pieces(model))
    known, mean, scale = found[:3]
    border.check_inferred(model, ds, known)
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
