"""forecast: from a context to the distribution of what comes next."""

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Key

from dynlearn.errors import DivergedError, check_count
from dynlearn.forecasting import _border, _paths
from dynlearn.models import AbstractModel, Foreign, Signature, check_clock, for_intervals_of
from dynlearn.models._control_range import EXTRAPOLATES, check_controls
from dynlearn.models._traced import FOLLOW, check_concrete
from dynlearn.numerics.keys import as_key, of_runs
from dynlearn.trajectories import schema, validate
from dynlearn.trajectories.fold import recent


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
    model = _border.check_model("forecast", model)
    check_concrete("forecast", FOLLOW, controls, times, key)
    model.signature.check(context)
    check_clock(model, context)
    model = for_intervals_of(model, context)
    check_count("samples", samples, 1)
    _border.check_length(model, context, _border.last_samples(context)[0])
    ahead = _border.ahead(model, context, horizon, times, controls)
    far = check_controls("controls", model, ahead.control)
    read = recent(context, model.memory)
    past = _paths.pasts(read.dyn.to_device(), jnp.asarray(read.dyn.lengths - 1), model.memory)
    keys = of_runs(as_key(key), schema.run_ids(context))
    found = _paths.follow(model, past, *ahead.device, int(samples), keys, ahead.pieces(model))
    known, mean, scale, draws = map(np.asarray, found)
    _border.check_inferred(model, context, known)
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
    signature: Signature, context: xr.Dataset, ahead: _border.Ahead, draws, mean, scale
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
            {"hold": signature.hold},
        )
    for name in ("output_unit", "control_unit", "static", "static_unit"):
        if name in context.variables:
            ds[name] = context[name]
    return validate(ds.set_coords([n for n in ("output_unit", "control_unit", "static_unit") if n in ds]))
