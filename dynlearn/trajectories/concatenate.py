"""Runs of several datasets in one."""

from collections.abc import Sequence
from typing import Any

import xarray as xr

from dynlearn.errors import ArgumentError, SchemaError
from dynlearn.trajectories.checks import validate
from dynlearn.trajectories.gather import padded_to, trimmed, with_own_times
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.schema import KINDS, hold, names, run_ids, time_unit, units
from dynlearn.trajectories.select import rename_runs


def concatenate(datasets: Sequence[xr.Dataset], *, prefixes: Sequence[str] | None = None) -> xr.Dataset:
    """All runs of `datasets`, which must agree in variables, names, units, hold and time origin.

    **Args** `prefixes`: one per dataset, put before its run ids (which become text), for datasets that
    use the same ids.

    **Raises** `SchemaError` for whatever does not agree, and for a run id that occurs twice.

    >>> import numpy as np
    >>> from dynlearn.trajectories import from_arrays
    >>> day = from_arrays([np.zeros(4), np.zeros(2)], dt=1.0)
    >>> concatenate([day, day], prefixes=["mon-", "tue-"]).trajectory.values.tolist()
    ['mon-0', 'mon-1', 'tue-0', 'tue-1']
    """
    parts = [trimmed(with_own_times(validate(ds))) for ds in datasets]
    if not parts:
        raise ArgumentError(refusal("datasets", "at least one dataset", "none", "pass a list of them"))
    if prefixes is not None:
        if isinstance(prefixes, str) or len(prefixes) != len(parts):
            expected = f"a list of {len(parts)} strings"
            raise ArgumentError(refusal("prefixes", expected, repr(prefixes), "pass one per dataset"))
        parts = [rename_runs(ds, prefix=prefix) for ds, prefix in zip(parts, prefixes, strict=True)]
    for i, other in enumerate(parts[1:], start=1):
        _check_agreement(parts[0], other, i)
    _check_ids(parts)
    longest = max(ds.sizes["time"] for ds in parts)
    return xr.concat(
        [padded_to(_with_units(ds), longest) for ds in parts],
        dim="trajectory",
        data_vars="minimal",
        coords="minimal",
        compat="identical",
        join="exact",
        combine_attrs="drop_conflicts",
    )


def _check_agreement(first: xr.Dataset, other: xr.Dataset, i: int) -> None:
    remedy = "convert or rename one of them before"
    mine, theirs = (sorted(map(str, _contents(ds))) for ds in (first, other))
    alone = sorted(set(mine) ^ set(theirs))
    _same(mine, theirs, "variables", i, f"drop what only one of them has, ds.drop_vars({alone}), or add it")
    for kind in KINDS:
        _same(names(first, kind), names(other, kind), f"{kind} names", i, remedy)
        _same(units(first, kind), units(other, kind), f"{kind} units", i, remedy)
    _same(time_unit(first), time_unit(other), "the unit of t", i, remedy)
    _same(hold(first), hold(other), "hold", i, remedy)
    _same(
        first["t"].attrs.get("origin"),
        other["t"].attrs.get("origin"),
        "the origin of t",
        i,
        "build both at once",
    )
    for name in ("reward", "terminated", "truncated"):
        if name in first:
            mine, theirs = (ds[name].attrs.get("units", "") for ds in (first, other))
            _same(mine, theirs, f"the unit of {name}", i, remedy)


def _same(wanted: Any, came: Any, what: str, i: int, remedy: str) -> None:
    if wanted != came:
        raise SchemaError(
            refusal(f"datasets[{i}]", f"{what} as in the first: {wanted!r}", repr(came), remedy)
        )


def _check_ids(parts: list[xr.Dataset]) -> None:
    ids = [run for ds in parts for run in run_ids(ds)]
    remedy = 'tell them apart, e.g. prefixes=["a-", "b-"], or ds.dyn.rename_runs'
    if len({isinstance(run, str) for run in ids}) > 1:
        raise SchemaError(refusal("datasets", "run ids of one kind", "numbers and strings", remedy))
    twice = sorted({run for run in ids if ids.count(run) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise SchemaError(refusal("datasets", "every run id once", f"{twice[0]!r} twice", remedy))


def _contents(ds: xr.Dataset) -> list:
    return [name for name in ds.variables if not str(name).endswith("_unit")]


def _with_units(ds: xr.Dataset) -> xr.Dataset:
    """Unstated units written out, so that the parts have the same coordinates."""
    from dynlearn.trajectories.schema import strings

    stated = {f"{kind}_unit": (f"{kind}_name", strings(units(ds, kind))) for kind in KINDS if kind in ds}
    return ds.assign_coords(stated)
