"""Runs of several datasets in one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError, SchemaError
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.schema import (
    KINDS,
    SCHEMA_VERSION,
    hold,
    names,
    run_ids,
    strings,
    time_unit,
    units,
)
from dynlearn.trajectories.verbs.gather import padded_to, trimmed, with_own_times
from dynlearn.trajectories.verbs.select import rename_runs


def concatenate(datasets: Sequence[xr.Dataset], *, prefixes: Sequence[str] | None = None) -> xr.Dataset:
    """All runs of `datasets`, which must agree in names, units, hold and time origin.

    Whatever has no place in the runs of a dataset (the cost of a plan where nobody planned) is NaN
    there: not known. Attributes that are the same in all datasets are kept, others (the seed of one
    of them) are left out.

    Args:
        datasets: at least one, each under the trajectory schema.
        prefixes: one per dataset, put before its run ids (which become text), for datasets that
            use the same ids.

    Returns:
        One dataset under the schema, the runs in the order of `datasets`, padded to the longest.

    Raises:
        SchemaError: whatever does not agree, and a run id that occurs twice.
        ArgumentError: one dataset or none instead of a list; prefixes of another number.

    >>> from dynlearn.trajectories import from_arrays
    >>> day = from_arrays([np.zeros(4), np.zeros(2)], dt=1.0)
    >>> concatenate([day, day], prefixes=["mon-", "tue-"]).trajectory.values.tolist()
    ['mon-0', 'mon-1', 'tue-0', 'tue-1']
    """
    if isinstance(datasets, xr.Dataset):
        raise ArgumentError(
            refusal("datasets", "a list of datasets", "one dataset", "pass [first, second, ...]")
        )
    parts = [_with_units(trimmed(with_own_times(validate(ds)))) for ds in datasets]
    if not parts:
        raise ArgumentError(refusal("datasets", "at least one dataset", "none", "pass a list of them"))
    if prefixes is not None:
        if isinstance(prefixes, str) or len(prefixes) != len(parts):
            expected = f"a list of {len(parts)} strings"
            raise ArgumentError(refusal("prefixes", expected, repr(prefixes), "pass one per dataset"))
        parts = [rename_runs(ds, prefix=prefix) for ds, prefix in zip(parts, prefixes, strict=True)]
    parts = _with_all_variables(parts)
    for i, other in enumerate(parts[1:], start=1):
        _check_agreement(parts[0], other, i)
    _check_ids(parts)
    longest = max(ds.sizes["time"] for ds in parts)
    joined = xr.concat(
        [padded_to(ds, longest) for ds in _of_one_type(parts)],
        dim="trajectory",
        data_vars="minimal",
        coords="minimal",
        compat="equals",
        join="exact",
        combine_attrs="drop_conflicts",
    )
    joined.attrs = _common_attrs(parts)  # the seed of one of them says nothing of the others
    return joined


def _common_attrs(parts: list[xr.Dataset]) -> dict:
    first, *others = (ds.attrs for ds in parts)
    common = {
        name: value
        for name, value in first.items()
        if all(name in attrs and np.array_equal(attrs[name], value) for attrs in others)
    }
    return common | {"dynlearn_schema": SCHEMA_VERSION}


def _with_all_variables(parts: list[xr.Dataset]) -> list[xr.Dataset]:
    """The parts with what only others have as NaN; an error where NaN would not mean "not known"."""
    everything = {str(name): ds[name] for ds in reversed(parts) for name in ds.data_vars}
    completed = []
    for i, ds in enumerate(parts):
        for name, example in everything.items():
            if name not in ds:
                if name in ("output", "control") or example.dtype.kind != "f":
                    mine, theirs = (sorted(map(str, part.data_vars)) for part in (parts[0], ds))
                    lacking = i if theirs != mine else next(j for j, p in enumerate(parts) if name in p)
                    came = theirs if theirs != mine else sorted(map(str, parts[lacking].data_vars))
                    remedy = f"drop what only one of them has, ds.drop_vars([{name!r}]), or add it"
                    _refuse(lacking, "variables", mine, came, remedy)
                ds = _with_unknown(ds, name, example)
        completed.append(_with_labels(ds, parts))
    return completed


def _with_labels(ds: xr.Dataset, parts: list[xr.Dataset]) -> xr.Dataset:
    """The labels of runs and samples that only other parts have: a run is its own source, others are ""."""
    for name in {name for part in parts for name in part.coords if "trajectory" in part[name].dims}:
        examples = [part[name] for part in parts if name in part.coords]
        text = any(example.dtype.kind not in "iuf" for example in examples)
        if name in ds.coords or not (text or name == "source"):
            continue
        shape = tuple(ds.sizes[dim] for dim in examples[0].dims)
        values = ds["trajectory"].values if name == "source" else np.full(shape, "", object)
        ds = ds.assign_coords({name: (examples[0].dims, values)})
    return ds


def _with_unknown(ds: xr.Dataset, name: str, example: xr.DataArray) -> xr.Dataset:
    sizes = {dim: ds.sizes.get(dim, size) for dim, size in example.sizes.items()}
    coords = {
        key: coord.variable
        for key, coord in example.coords.items()
        if key not in ds.variables and not {"trajectory", "time"} & set(coord.dims)
    }
    values = np.full(tuple(sizes.values()), np.nan, example.dtype)
    return ds.assign_coords(coords).assign({name: (example.dims, values, example.attrs)})


def _check_agreement(first: xr.Dataset, other: xr.Dataset, i: int) -> None:
    remedy = "convert or rename one of them before"
    for kind in KINDS:
        _same(names(first, kind), names(other, kind), f"{kind} names", i, remedy)
        _same(units(first, kind), units(other, kind), f"{kind} units", i, remedy)
    mine, theirs = (sorted(map(str, ds.coords)) for ds in (first, other))
    alone = sorted(set(mine) ^ set(theirs))
    _same(mine, theirs, "coordinates", i, f"drop what only one of them has, ds.drop_vars({alone}), or add it")
    _same(time_unit(first), time_unit(other), "the unit of t", i, remedy)
    _same(hold(first), hold(other), "hold", i, remedy)
    since, other_since = (ds["t"].attrs.get("origin") for ds in (first, other))
    _same(since, other_since, "the origin of t", i, "build both at once")
    for name in sorted(map(str, first.variables)):
        _check_variable(name, first[name], other[name], i)


def _check_variable(name: str, mine: xr.DataArray, theirs: xr.DataArray, i: int) -> None:
    """The same dimensions, units, and sizes or values of everything that runs do not have one by one."""
    own = {"trajectory", "time"}
    remedy = 'select or reduce, e.g. ds.isel(sample=0) or mean("sample")'
    _same(sorted(map(str, mine.dims)), sorted(map(str, theirs.dims)), f"the dimensions of {name}", i, remedy)
    wanted, came = ({d: n for d, n in v.sizes.items() if d not in own} for v in (mine, theirs))
    _same(wanted, came, f"the sizes of {name}", i, "select as many, e.g. ds.isel(sample=slice(0, 50))")
    wanted, came = (v.attrs.get("units", "") for v in (mine, theirs))
    _same(wanted, came, f"the unit of {name}", i, "convert or rename one of them before")
    if not own & set(mine.dims):
        _same(
            mine.values.tolist(), theirs.values.tolist(), f"the values of {name}", i, "select the same ones"
        )


def _same(wanted: Any, came: Any, what: str, i: int, remedy: str) -> None:
    if wanted != came:
        _refuse(i, what, wanted, came, remedy)


def _refuse(i: int, what: str, wanted: Any, came: Any, remedy: str) -> None:
    raise SchemaError(refusal(f"datasets[{i}]", f"{what} as in the first: {wanted!r}", repr(came), remedy))


def _check_ids(parts: list[xr.Dataset]) -> None:
    ids = [run for ds in parts for run in run_ids(ds)]
    remedy = 'tell them apart, e.g. prefixes=["a-", "b-"], or ds.dyn.rename_runs'
    if len({isinstance(run, str) for run in ids}) > 1:
        raise SchemaError(refusal("datasets", "run ids of one kind", "numbers and strings", remedy))
    twice = sorted({run for run in ids if ids.count(run) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise SchemaError(refusal("datasets", "every run id once", f"{twice[0]!r} twice", remedy))


def _of_one_type(parts: list[xr.Dataset]) -> list[xr.Dataset]:
    """Flags that are numbers in some parts (with NaN after the end) as numbers in all; sources as text."""
    if "source" in parts[0].coords and len({ds["source"].dtype.kind in "iu" for ds in parts}) > 1:
        parts = [ds.assign_coords(source=("trajectory", strings(ds["source"].values))) for ds in parts]
    mixed = [
        name
        for name, variable in parts[0].data_vars.items()
        if {"b", "f"} == {ds[name].dtype.kind for ds in parts if ds[name].dtype.kind in "bf"}
    ]
    return [ds.assign({name: ds[name].astype(float) for name in mixed}) if mixed else ds for ds in parts]


def _with_units(ds: xr.Dataset) -> xr.Dataset:
    """Unstated units written out, so that the parts have the same coordinates."""
    stated = {f"{kind}_unit": (f"{kind}_name", strings(units(ds, kind))) for kind in KINDS if kind in ds}
    return ds.assign_coords(stated)
