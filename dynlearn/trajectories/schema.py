"""The names of the trajectory schema (`docs/schema.md`) and how to read them off a dataset."""

from collections.abc import Iterable

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError, unknown
from dynlearn.trajectories.device.blocks import by_runs
from dynlearn.trajectories.hold import Hold

SCHEMA_VERSION = "1"
"""Value of the attribute `dynlearn_schema`; it changes when an old reader would misread a new dataset."""

KINDS = ("output", "control", "state", "static")
"""The variables with a name axis: `output` has the dimension `output_name`, and so on."""

DIMENSIONS = ("trajectory", "time", *(f"{kind}_name" for kind in KINDS), "regime_name", "sample")
"""Every dimension a dataset under the schema may have."""


def names(ds: xr.Dataset, kind: str = "output") -> tuple[str, ...]:
    """The names along the axis of `kind` ("output", "control", "state" or "static"); () where absent.

    >>> from dynlearn.trajectories import from_arrays
    >>> names(from_arrays(np.zeros((3, 2)), dt=1.0), "output")
    ('y0', 'y1')
    """
    _check_kind(kind)
    return tuple(str(name) for name in ds[f"{kind}_name"].values) if kind in ds else ()


def units(ds: xr.Dataset, kind: str = "output") -> tuple[str, ...]:
    """One unit per name of `kind`, "" where it is not stated; () where there is no such variable.

    >>> from dynlearn.trajectories import from_arrays
    >>> units(from_arrays(np.zeros((3, 2)), dt=1.0, units={"y1": "m"}))
    ('', 'm')
    """
    if f"{kind}_unit" not in ds.coords:
        return ("",) * len(names(ds, kind))
    return tuple(str(unit) for unit in ds[f"{kind}_unit"].values)


def time_unit(ds: xr.Dataset) -> str:
    """The unit of `t` and of every interval, "" where it is not stated."""
    return str(ds["t"].attrs.get("units", ""))


def hold(ds: xr.Dataset) -> Hold:
    """How controls go on between samples; zero hold where there are no controls."""
    return Hold(ds["control"].attrs["hold"]) if "control" in ds else Hold.ZERO


def times_2d(ds: xr.Dataset) -> np.ndarray:
    """The instants as a float64 array `(trajectory, time)`, NaN after the end of a run.

    >>> from dynlearn.trajectories import from_arrays
    >>> times_2d(from_arrays([np.zeros(3), np.zeros(2)], dt=0.5))
    array([[0. , 0.5, 1. ],
           [0. , 0.5, nan]])
    """
    t = ds["t"]
    if t.dims == ("time",):
        return np.broadcast_to(t.values, (ds.sizes["trajectory"], t.size))
    return t.transpose("trajectory", "time").values


def run_lengths(ds: xr.Dataset) -> np.ndarray:
    """Samples per run, an integer array `(trajectory,)`; padding does not count.

    >>> from dynlearn.trajectories import from_arrays
    >>> run_lengths(from_arrays([np.zeros(3), np.zeros(2)], dt=0.5))
    array([3, 2])
    """
    return by_runs(lambda t: np.isfinite(t).sum(axis=1), times_2d(ds))


def run_ids(ds: xr.Dataset) -> list:
    """The ids of the runs, plain integers or strings."""
    return ds["trajectory"].values.tolist()


def strings(values: Iterable) -> np.ndarray:
    """Text as an object array: the one string type that netCDF, zarr and pandas all give back unchanged."""
    return np.array([str(value) for value in values], dtype=object)


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ArgumentError(unknown("kind of variable", kind, KINDS))
