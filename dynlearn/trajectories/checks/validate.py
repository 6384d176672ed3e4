"""Does a dataset obey the trajectory schema? Checked once, at the border."""

from collections.abc import Hashable, Iterable

import numpy as np
import xarray as xr

from dynlearn.errors import SchemaError
from dynlearn.trajectories.checks._values import check_times, check_values
from dynlearn.trajectories.device.blocks import each
from dynlearn.trajectories.hold import HOLDS
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.once import once
from dynlearn.trajectories.schema import DIMENSIONS, KINDS, SCHEMA_VERSION


def validate(ds: xr.Dataset) -> xr.Dataset:
    """Return `ds` unchanged, or say what in it is against the schema (`docs/schema.md`).

    Names, dimensions, types, units and instants are always checked. Values are checked where they
    are in memory; those of a chunked (dask) variable are not read here but when they are computed,
    by `ds.dyn.to_device()`. A file too large for memory should therefore be opened with `chunks={}`.

    Args:
        ds: trajectories, however they were made.

    Returns:
        `ds` itself, so that a check can stand in the middle of a line.

    Raises:
        SchemaError: which variable, what was expected, what came, what to do.

    >>> from dynlearn.trajectories import from_arrays
    >>> ds = from_arrays(np.zeros((3, 2)), dt=0.1)
    >>> validate(ds) is ds
    True
    >>> validate(ds.isel(trajectory=0))
    Traceback (most recent call last):
    dynlearn.errors.SchemaError: output: expected the dimensions (trajectory, time, output_name) in any
    order, got (time, output_name); keep a dimension of size one by selecting with a list, e.g.
    ds.isel(trajectory=[0]).
    """
    if not isinstance(ds, xr.Dataset):
        _refuse(
            "ds", "an xarray.Dataset", type(ds).__name__, "build one with dynlearn.from_arrays or from_frame"
        )
    valid(ds)
    return ds


@once
def valid(ds: xr.Dataset) -> bool:
    """True, or the error that `validate` raises."""
    _check_version(ds)
    _check_dimensions(ds)
    _check_trajectory(ds)
    for kind in KINDS:
        if kind in ds:
            _check_kind(ds, kind)
    _check_hold(ds)
    _check_gymnasium(ds)
    each(_check_numbers, ds)
    return True


def _check_numbers(ds: xr.Dataset) -> None:
    check_times(ds)
    check_values(ds)


def _refuse(what: str, expected: str, came: object, remedy: str) -> None:
    raise SchemaError(refusal(what, expected, came, remedy))


def _check_version(ds: xr.Dataset) -> None:
    version = ds.attrs.get("dynlearn_schema")
    if version is None:
        remedy = (
            f'set ds.attrs["dynlearn_schema"] = "{SCHEMA_VERSION}" if it follows docs/schema.md, '
            "or build one with dynlearn.from_arrays or from_frame"
        )
        _refuse("ds.attrs", "the attribute 'dynlearn_schema'", "a dataset without it", remedy)
    if str(version) != SCHEMA_VERSION:
        remedy = "read it with the version of dynlearn that wrote it, or update dynlearn"
        _refuse("dynlearn_schema", repr(SCHEMA_VERSION), repr(version), remedy)


def _check_dimensions(ds: xr.Dataset) -> None:
    for name in ("output", "t"):
        if name not in ds.variables:
            remedy = "see docs/schema.md, or build the dataset with dynlearn.from_arrays"
            _refuse("ds", f"a variable '{name}'", f"{_listed(ds.variables)}", remedy)
    if "t" not in ds.coords:
        _refuse("t", "a coordinate", "a data variable", 'call ds.set_coords("t")')
    if "time" in ds.variables:
        remedy = 'put the instants in the coordinate t and call ds.drop_vars("time")'
        _refuse("time", "a dimension without a coordinate", "a coordinate", remedy)
    for key, variable in ds.variables.items():
        foreign = [dim for dim in variable.dims if dim not in DIMENSIONS]
        if foreign:
            remedy = "rename the dimension, or keep this variable outside the dataset"
            _refuse(str(key), f"dimensions among {_listed(DIMENSIONS)}", _listed(variable.dims), remedy)
    if set(ds["t"].dims) not in ({"trajectory", "time"}, {"time"}):
        _refuse(
            "t",
            "the dimensions (trajectory, time), or (time) when shared",
            _listed(ds["t"].dims),
            "reshape it",
        )


def _check_trajectory(ds: xr.Dataset) -> None:
    if "trajectory" not in ds.dims:
        return  # `_check_kind` says it better, about `output`
    if "trajectory" not in ds.indexes:
        remedy = "name the runs, e.g. ds.assign_coords(trajectory=range(n))"
        _refuse("trajectory", "a coordinate with an id for each run", "no coordinate", remedy)
    ids = ds["trajectory"].values
    if ids.size == 0:
        _refuse("trajectory", "at least one run", "none", "check the selection that made this dataset")
    if ids.dtype.kind not in "iu" and not _are_strings(ids):
        remedy = "convert them, e.g. ds.assign_coords(trajectory=[str(i) for i in ids])"
        _refuse("trajectory", "integers or strings as run ids", f"dtype {ids.dtype}", remedy)
    _check_unique(
        ids, "trajectory", "run ids", 'ds.dyn.rename_runs or concatenate(..., prefixes=["a-", "b-"])'
    )


def _check_kind(ds: xr.Dataset, kind: str) -> None:
    variable, axis = ds[kind], f"{kind}_name"
    wanted = ("trajectory", axis) if kind == "static" else ("trajectory", "time", axis)
    optional = {"sample"} if kind in ("output", "state") else set()
    if set(variable.dims) - optional != set(wanted):
        remedy = "keep a dimension of size one by selecting with a list, e.g. ds.isel(trajectory=[0])"
        _refuse(kind, f"the dimensions ({', '.join(wanted)}) in any order", _listed(variable.dims), remedy)
    if variable.dtype.kind != "f":
        remedy = f'convert it, e.g. ds.assign({kind}=ds["{kind}"].astype(float))'
        _refuse(kind, "floating-point values", f"dtype {variable.dtype}", remedy)
    if "units" in variable.attrs:
        remedy = f'del ds["{kind}"].attrs["units"] and ds = ds.assign_coords({kind}_unit=("{axis}", [...]))'
        _refuse(kind, f"its units in the coordinate {kind}_unit", 'attrs["units"]', remedy)
    _check_names(ds, kind, axis)
    _check_units(ds, kind, axis)


def _check_names(ds: xr.Dataset, kind: str, axis: str) -> None:
    remedy = f'name them, e.g. ds.assign_coords({axis}=["a", "b"])'
    if axis not in ds.indexes:
        _refuse(axis, f"a coordinate with a name for each {kind}", "no coordinate", remedy)
    values = ds[axis].values
    if values.size == 0 and kind == "output":
        _refuse(axis, "at least one output", "none", "check the selection that made this dataset")
    if not _are_strings(values):
        _refuse(axis, "strings as names", f"{list(values)!r}", remedy)
    _check_unique(values, axis, "names", f"ds.assign_coords({axis}=[...])")


def _check_units(ds: xr.Dataset, kind: str, axis: str) -> None:
    unit = f"{kind}_unit"
    if unit not in ds.variables:
        return
    if ds[unit].dims != (axis,) or unit not in ds.coords or not _are_strings(ds[unit].values):
        remedy = f'use ds.assign_coords({unit}=("{axis}", ["m", ""])), "" where a unit is not stated'
        _refuse(unit, f"a coordinate of strings along {axis}", f"dims {_listed(ds[unit].dims)}", remedy)


def _check_hold(ds: xr.Dataset) -> None:
    if "control" in ds and ds["control"].attrs.get("hold") not in HOLDS:
        remedy = 'set ds["control"].attrs["hold"] = "zero" (constant until the next sample) or "linear"'
        _refuse("control", "the attribute hold", repr(ds["control"].attrs.get("hold")), remedy)


def _check_gymnasium(ds: xr.Dataset) -> None:
    for name, kinds in (("reward", "f"), ("terminated", "bf"), ("truncated", "bf")):
        if name not in ds:
            continue
        if set(ds[name].dims) != {"trajectory", "time"}:
            _refuse(name, "the dimensions (trajectory, time)", _listed(ds[name].dims), "reshape or drop it")
        if ds[name].dtype.kind not in kinds:
            wanted = "floating-point values" if kinds == "f" else "boolean or floating-point values"
            _refuse(name, wanted, f"dtype {ds[name].dtype}", f'convert it, e.g. ds["{name}"].astype(float)')


def _check_unique(values: np.ndarray, what: str, noun: str, remedy: str) -> None:
    seen: set[Hashable] = set()
    twice = [value for value in values.tolist() if value in seen or seen.add(value)]  # type: ignore[func-returns-value]
    if twice:
        _refuse(what, f"unique {noun}", f"{twice[0]!r} more than once", f"rename them with {remedy}")


def _are_strings(values: np.ndarray) -> bool:
    return all(isinstance(value, str) for value in values.tolist())


def _listed(values: Iterable) -> str:
    return "(" + ", ".join(str(value) for value in values) + ")"
