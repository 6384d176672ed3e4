"""The part of the schema that is about numbers: instants, infinities, gaps, padding."""

import numpy as np
import xarray as xr

from dynlearn.errors import SchemaError
from dynlearn.trajectories.hold import Hold
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.schema import hold, run_ids, times_2d


def check_times(ds: xr.Dataset) -> None:
    """Instants are float64, finite and strictly increasing in each run, NaN only after its end."""
    _check_time_type(ds["t"])
    t = times_2d(ds)
    valid = ~np.isnan(t)
    _check_at(ds, np.isinf(t), "t", "finite instants", "remove or correct these samples")
    if not valid.any(axis=1).all():
        run = run_ids(ds)[int(np.argmin(valid.any(axis=1)))]
        remedy = "drop the run with ds.sel(trajectory=[...])"
        raise SchemaError(refusal("t", "at least one sample in every run", f"none in run {run!r}", remedy))
    returns = np.zeros_like(valid)
    returns[:, 1:] = valid[:, 1:] & ~valid[:, :-1]
    _check_at(
        ds,
        returns,
        "t",
        "NaN only after the end of a run",
        "remove the samples without an instant",
        "a NaN before",
    )
    backward = np.zeros_like(valid)
    with np.errstate(invalid="ignore"):
        backward[:, 1:] = valid[:, 1:] & ~(np.diff(t, axis=1) > 0)
    remedy = "sort the samples by time and merge or drop repeated instants"
    if "origin" in ds["t"].attrs:
        remedy += " (local times that repeat an hour in autumn need their offset from UTC)"
    _check_at(
        ds, backward, "t", "strictly increasing instants in each run", remedy, "a step that is not positive"
    )


def check_values(ds: xr.Dataset) -> None:
    """No infinity, no gap in the controls, nothing in the padding. Chunked variables are not read."""
    valid = ~np.isnan(times_2d(ds))
    for name in ("output", "control", "state", "reward", "terminated", "truncated"):
        if name in ds and ds[name].chunks is None:
            _check_samples(ds, name, valid)
    if "static" in ds and ds["static"].chunks is None and np.isinf(ds["static"].values).any():
        remedy = "give a finite value, or NaN where it is not known"
        raise SchemaError(refusal("static", "finite values", "an infinite one", remedy))


def _check_samples(ds: xr.Dataset, name: str, valid: np.ndarray) -> None:
    values = ds[name].transpose("trajectory", "time", ...).values
    values = values.reshape(*valid.shape, -1)
    if values.dtype.kind == "f":
        infinite = np.isinf(values).any(axis=-1)
        _check_at(
            ds, infinite, name, "finite values, or NaN where nothing was measured", "correct this value"
        )
    if not valid.all():
        padding = values[~valid]
        blank = np.isnan(padding) if padding.dtype.kind == "f" else ~padding
        full = np.zeros_like(valid)
        full[~valid] = ~blank.all(axis=-1)
        remedy = "give these samples an instant, or set them to NaN (False where boolean)"
        _check_at(ds, full, name, "nothing after the end of a run (where t is NaN)", remedy)
    if name == "control":
        _check_control(ds, np.isnan(values).any(axis=-1) & valid, valid)


def _check_control(ds: xr.Dataset, missing: np.ndarray, valid: np.ndarray) -> None:
    if hold(ds) is Hold.ZERO:
        last = valid.copy()
        last[:, :-1] &= ~valid[:, 1:]
        missing = missing & ~last
        expected = "a number at every sample of a run but the last"
    else:
        expected = 'a number at every sample of a run (hold is "linear")'
    remedy = "say what was applied there: 0 if nothing, the value before if it was held, or split the run"
    _check_at(ds, missing, "control", expected, remedy, "NaN")


def _check_time_type(t: xr.DataArray) -> None:
    if t.dtype.kind in "mM":
        remedy = "pass datetimes to dynlearn.from_arrays or from_frame, which convert them"
        raise SchemaError(refusal("t", "float64 numbers", f"dtype {t.dtype}", remedy))
    if t.dtype != np.float64:
        remedy = 'convert it with ds.assign_coords(t=ds["t"].astype("float64"))'
        raise SchemaError(refusal("t", "float64 numbers", f"dtype {t.dtype}", remedy))
    unit = t.attrs.get("units", "")
    if not isinstance(unit, str) or " since " in unit:
        remedy = 'use e.g. units "s", and keep the date in ds["t"].attrs["origin"]'
        raise SchemaError(refusal("t", "a plain unit of time as text", repr(unit), remedy))


def _check_at(
    ds: xr.Dataset, bad: np.ndarray, name: str, expected: str, remedy: str, came: str | None = None
) -> None:
    """Raise for the first true entry of `bad` (trajectory, time), naming its run, sample and instant."""
    if not bad.any():
        return
    i, k = (int(index) for index in np.argwhere(bad)[0])
    if came is None:
        came = str(
            ds[name].isel({d: j for d, j in (("trajectory", i), ("time", k)) if d in ds[name].dims}).values
        )
    place = f"run {run_ids(ds)[i]!r}, sample {k}, t = {times_2d(ds)[i, k]:g}"
    more = f" ({bad.sum()} such samples)" if bad.sum() > 1 else ""
    raise SchemaError(refusal(name, expected, f"{came} at {place}{more}", remedy))
