"""Runs of unequal length, as a list of arrays each, to one padded dataset under the schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError, unknown
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.hold import HOLDS
from dynlearn.trajectories.schema import KINDS, SCHEMA_VERSION, strings


@dataclass
class Runs:
    """The parts of a dataset, one array per run; `assemble` turns them into the dataset."""

    ids: Sequence
    times: list[np.ndarray]
    """Per run `(time,)`, float64."""
    values: dict[str, list[np.ndarray]]
    """For "output", "control", "state": per run `(time, name)`. For "static": per run `(name,)`."""
    names: dict[str, Sequence[str]]
    """For every key of `values`, one name per column."""
    samples: dict[str, list[np.ndarray]] = field(default_factory=dict)
    """Scalars per sample, e.g. "reward": per run `(time,)`."""
    units: Mapping[str, str] = field(default_factory=dict)
    """From the name of a column, of a scalar, or "t", to its unit."""
    time_attrs: Mapping[str, str] = field(default_factory=dict)
    hold: str = "zero"


def assemble(runs: Runs) -> xr.Dataset:
    """Pad the runs to the longest, name the axes, attach the units, and validate."""
    _check_units(runs)
    if runs.hold not in HOLDS:
        raise ArgumentError(unknown("hold", runs.hold, HOLDS))
    length = max((run.size for run in runs.times), default=0)
    variables: dict[str, Any] = {}
    coords: dict[str, Any] = {"trajectory": _ids(runs.ids)}
    coords["t"] = (("trajectory", "time"), _padded(runs.times, length), dict(runs.time_attrs))
    for kind in (kind for kind in KINDS if kind in runs.values):
        axis, columns = f"{kind}_name", runs.names[kind]
        _check_once(f"{kind} names", columns)
        if kind == "static":
            variables[kind] = (("trajectory", axis), np.stack(runs.values[kind]))
        else:
            variables[kind] = (("trajectory", "time", axis), _padded(runs.values[kind], length))
        coords[axis] = strings(columns)
        coords[f"{kind}_unit"] = (axis, strings(runs.units.get(name, "") for name in columns))
    for name, scalars in runs.samples.items():
        attrs = {"units": runs.units[name]} if name in runs.units else {}
        variables[name] = (("trajectory", "time"), _padded(scalars, length), attrs)
    ds = xr.Dataset(variables, coords, {"dynlearn_schema": SCHEMA_VERSION})
    if "control" in ds:
        ds["control"].attrs["hold"] = str(runs.hold)
    return validate(ds)


def _padded(runs: list[np.ndarray], length: int) -> np.ndarray:
    dtype = np.result_type(*runs)
    blank = False if dtype.kind == "b" else np.nan
    padded = np.full((len(runs), length, *runs[0].shape[1:]), blank, dtype)
    for row, run in zip(padded, runs, strict=True):
        row[: len(run)] = run
    return padded


def _ids(ids: Sequence) -> np.ndarray:
    array = np.asarray(ids)
    array = strings(array) if array.dtype.kind in "UT" else array
    if array.dtype.kind not in "iu" and not all(isinstance(name, str) for name in array.tolist()):
        remedy = "convert them to text, e.g. by str or astype(str)"
        raise ArgumentError(refusal("run ids", "integers or strings", f"dtype {array.dtype}", remedy))
    _check_once("run ids", array.tolist())
    return array


def _check_once(what: str, names: Sequence) -> None:
    """Said here, where there is no dataset yet that could be changed; `validate` says it of one."""
    seen: set = set()
    twice = next((name for name in names if name in seen or seen.add(name)), None)  # type: ignore[func-returns-value]
    if twice is not None:
        raise ArgumentError(
            refusal(what, "unique ones", f"{twice!r} more than once", "name each of them once")
        )


def _check_units(runs: Runs) -> None:
    valid = ["t", *runs.samples, *(name for columns in runs.names.values() for name in columns)]
    for name, unit in runs.units.items():
        if name not in valid:
            raise ArgumentError(f"units: {unknown('name', name, valid)}")
        if not isinstance(unit, str):
            raise ArgumentError(refusal(f"units[{name!r}]", "a string", repr(unit), 'pass e.g. "m/s"'))
