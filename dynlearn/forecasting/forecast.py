"""forecast: from a context to the distribution of what comes next."""

import numpy as np
import xarray as xr
from jaxtyping import Array, Key

from dynlearn.contract.checks.absolute_time import check_clock
from dynlearn.contract.checks.control_range import EXTRAPOLATES, check_controls
from dynlearn.contract.checks.traced import FOLLOW, check_concrete
from dynlearn.contract.foreign import Foreign
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.rollout import for_intervals_of
from dynlearn.contract.signature import Signature
from dynlearn.errors import DivergedError, check_count
from dynlearn.forecasting import _paths, border
from dynlearn.numerics.keys import as_key, of_runs
from dynlearn.trajectories import schema
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.device.fold import recent
from dynlearn.trajectories.device.pasts import pasts
from dynlearn.trajectories.once import one_call


@one_call
def forecast(
    model: AbstractModel | Foreign,
    context: xr.Dataset,
    horizon: int | None = None,
    controls: object = None,
    samples: int = 200,
    key: int | Key[Array, ""] = 0,
    *,
    times: object = None,
) -> xr.Dataset:
    """Sample paths of the outputs after the last sample of each run of `context`.

    Args:
        model: a fitted model.
        context: trajectories under the schema, with the model's outputs and controls; at least
            `model.required` samples per run, of which the last `model.memory` are used.
        horizon: number of steps of the model's (or the context's regular) sampling interval.
        times: instants instead of a horizon, shape `(time,)` or `(run, time)`, in the context's
            time unit or as dates; NaN after the end of a run that is forecast less far. A discrete-time model
            takes those of its own grid.
        controls: what is applied from each forecast instant on, shape `(horizon, control)` or
            `(run, horizon, control)`, or a Dataset/DataArray with a `control_name` dimension. What
            is applied from the last context sample on is read from the context itself.
        samples: Monte Carlo draws.
        key: an int or a JAX key. The draws of a run depend on it and on the run's id: they are the same
            alone, in any order and among any others.

    Returns:
        A dataset under the trajectory schema whose `output` has a `sample` dimension, with
        `output_mean` and `output_scale` (the standard deviation) from the mean path in closed form. Where
        a control goes far beyond what it was in training, the attribute `extrapolates` says so.

    Raises:
        ArgumentError: names, units, sampling or shapes that do not fit; a context that is too short
            or too incomplete; a control that moves, and never did in training.
        DivergedError: a rollout that leaves the finite numbers.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=4, length=60, key=0)
    >>> model = dl.fit(dl.models.ARX.from_data(ds, delays=1), ds, progress=False).model
    >>> u = ds.control.isel(time=slice(40, 60))
    >>> fc = dl.forecast(model, ds.isel(time=slice(0, 40)), horizon=20, controls=u, samples=50)
    >>> dict(fc.output.sizes)["sample"], dict(fc.output.sizes)["time"]
    (50, 20)
    """
    model = border.check_model("forecast", model)
    check_concrete("forecast", FOLLOW, controls, times, key)
    model.signature.check(context)
    check_clock(model, context)
    model = for_intervals_of(model, context)
    check_count("samples", samples, 1)
    border.check_length(model, context, border.last_samples(context)[0])
    ahead = border.ahead(model, context, horizon, times, controls)
    far = check_controls("controls", model, ahead.control)
    read = recent(context, model.memory)
    past = pasts(read, schema.run_lengths(read) - 1, model.memory)
    keys = of_runs(as_key(key), schema.run_ids(context))
    known, mean, scale, draws = _paths.followed(
        model, past, ahead.steps, int(samples), keys, ahead.pieces(model)
    )
    border.check_inferred(model, context, known)
    check_finite(
        "forecast", np.where(ahead.inside[..., None], mean, 0.0), schema.run_ids(context), ahead.time
    )
    mean, scale = (np.where(ahead.inside[..., None], values, np.nan) for values in (mean, scale))
    draws = np.where(ahead.inside[:, None, :, None], draws, np.nan)
    ds = _dataset(model.signature, context, ahead, np.moveaxis(draws, 1, 0), mean, scale)
    return ds.assign_attrs({EXTRAPOLATES: far}) if far else ds


def check_finite(verb: str, mean: np.ndarray, runs: list, time: np.ndarray) -> None:
    """A diverged rollout is an error that says where, never a column of NaN."""
    bad = ~np.isfinite(mean).all(-1)
    for i in np.flatnonzero(bad.any(1)):
        step = int(np.argmax(bad[i]))
        raise DivergedError(
            f"{verb}: the rollout of run {runs[i]!r} left the finite numbers after {step + 1} steps "
            f"(t = {time[i, step + 1]:g}); the fitted dynamics are unstable there: shorten the horizon, or refit with "
            f"a ridge, a longer training horizon or another solver."
        )


def _dataset(
    signature: Signature, context: xr.Dataset, ahead: border.Ahead, draws, mean, scale
) -> xr.Dataset:
    """The forecast under the trajectory schema."""
    dims = ("trajectory", "time", "output_name")
    ds = xr.Dataset(
        {
            "output": (("sample", *dims), draws),
            "output_mean": (dims, mean),
            "output_scale": (dims, scale),
        },
        coords={
            "trajectory": context["trajectory"].values,
            "output_name": list(signature.output_names),
            "t": (("trajectory", "time"), ahead.time[:, 1:], context["t"].attrs),
        },
        attrs={"dynlearn_schema": schema.SCHEMA_VERSION},
    )
    if signature.controls:
        ds = ds.assign_coords(control_name=list(signature.control_names))
        ds["control"] = (
            ("trajectory", "time", "control_name"),
            np.where(ahead.inside[..., None], ahead.control[:, 1:], np.nan),
            {"hold": str(signature.hold)},
        )
    for name in ("output_unit", "control_unit", "static", "static_unit"):
        if name in context.variables:
            ds[name] = context[name]
    return validate(ds.set_coords([n for n in ("output_unit", "control_unit", "static_unit") if n in ds]))
