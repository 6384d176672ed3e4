"""From a dataset to a long table, and back by the layout that the table carries."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from dynlearn.errors import ArgumentError, unknown
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.verbs.gather import blank, ids_array, with_own_times
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.schema import KINDS, SCHEMA_VERSION, run_lengths, strings, times_2d


def to_frame(ds: xr.Dataset) -> pd.DataFrame:
    """One row per sample: `trajectory`, `t`, and a column per channel; padding is left out.

    A column has the name of its channel; where that is already taken (outputs come first, then
    controls, states, static), the kind stands before it, as in `state.x`. Units, hold and the roles of
    the columns are in `frame.attrs["dynlearn"]`, by which `from_frame(frame)` gives the dataset back
    without loss. `frame.to_csv` does not write them: keep netCDF or zarr for that.

    Args:
        ds: trajectories under the schema.

    Returns:
        The table, runs one after the other, rows of a run in the order of time.

    Raises:
        ArgumentError: a variable that has no place in such a table.

    >>> from dynlearn.trajectories import from_arrays, from_frame
    >>> ds = from_arrays([np.zeros(2), np.ones(1)], dt=0.1, runs=["a", "b"], units={"t": "s"})
    >>> to_frame(ds)
      trajectory    t   y0
    0          a  0.0  0.0
    1          a  0.1  0.0
    2          b  0.0  1.0
    >>> from_frame(to_frame(ds)).identical(ds)
    True
    """
    ds = with_own_times(ds)
    valid = np.arange(ds.sizes["time"]) < run_lengths(ds)[:, None]
    run, _ = np.nonzero(valid)
    table: dict[str, np.ndarray] = {"trajectory": ds["trajectory"].values[run], "t": times_2d(ds)[valid]}
    layout: list[tuple] = []
    for name in _ordered(ds):
        axis = _name_axis(ds, name)
        lead = [dim for dim in ("trajectory", "time") if dim in ds[name].dims]
        values = ds[name].transpose(*lead, ...).values
        values = values[valid] if "time" in lead else values[run]
        columns = [None] if axis is None else [str(channel) for channel in ds[f"{axis}_name"].values]
        for i, channel in enumerate(columns):
            column = _free(table, name, channel)
            table[column] = values if axis is None else values[:, i]
            layout.append((column, name, channel))
    frame = pd.DataFrame(table)
    frame.attrs["dynlearn"] = {
        "columns": layout,
        "t": dict(ds["t"].attrs),
        "attrs": dict(ds.attrs),
        "units": {kind: ds[f"{kind}_unit"].values.tolist() for kind in KINDS if f"{kind}_unit" in ds.coords},
        "variables": {name: _signature(ds[name], name in ds.coords) for name in _ordered(ds)},
    }
    return frame


def from_layout(frame: pd.DataFrame) -> xr.Dataset:
    """The dataset that `to_frame` made `frame` from; rows may have been left out since."""
    layout = frame.attrs["dynlearn"]
    for column in ("trajectory", "t", *(column for column, _, _ in layout["columns"])):
        if column not in frame.columns:
            raise ArgumentError(unknown("column", column, frame.columns))
    codes, ids = pd.factorize(frame["trajectory"])
    place = codes, frame.groupby(codes, sort=False).cumcount().to_numpy()
    shape = (len(ids), int(place[1].max()) + 1)
    t = np.full(shape, np.nan)
    t[place] = frame["t"].to_numpy()
    ds = xr.Dataset(attrs={"dynlearn_schema": SCHEMA_VERSION, **layout["attrs"]})
    ds = ds.assign_coords(trajectory=ids_array(list(ids)), t=(("trajectory", "time"), t, layout["t"]))
    for name, signature in layout["variables"].items():
        columns = [(column, channel) for column, variable, channel in layout["columns"] if variable == name]
        if columns[0][1] is not None:
            axis = signature["dims"][-1]
            ds = ds.assign_coords({axis: strings(channel for _, channel in columns)})
            if (kind := axis.removesuffix("_name")) in layout["units"]:
                ds = ds.assign_coords({f"{kind}_unit": (axis, strings(layout["units"][kind]))})
        values = np.stack([_filled(frame[column], signature, place, shape) for column, _ in columns], axis=-1)
        values = values if signature["axis"] else values[..., 0]
        variable = (signature["dims"], values, signature["attrs"])
        ds = ds.assign_coords({name: variable}) if signature["coord"] else ds.assign({name: variable})
    return validate(ds)


def _ordered(ds: xr.Dataset) -> list[str]:
    """The variables that become columns, outputs first."""
    rest = [str(name) for name in ds.variables if name not in (*KINDS, *ds.dims, "t")]
    rest = [name for name in rest if name not in {f"{kind}_unit" for kind in KINDS}]
    return [kind for kind in KINDS if kind in ds] + rest


def _name_axis(ds: xr.Dataset, name: str) -> str | None:
    """The kind whose names run along the last axis of a variable, None for a scalar per sample or run."""
    dims = set(ds[name].dims) - {"trajectory", "time"}
    axes = [kind for kind in KINDS if f"{kind}_name" in dims]
    if "trajectory" not in ds[name].dims or dims - {f"{kind}_name" for kind in axes} or len(axes) > 1:
        expected = "dimensions (trajectory), (trajectory, time), or these and one name axis"
        remedy = f'leave it out with ds.drop_vars({name!r}), or reduce it, e.g. ds.mean("sample")'
        raise ArgumentError(refusal(name, expected, f"({', '.join(map(str, ds[name].dims))})", remedy))
    return axes[0] if axes else None


def _free(table: dict, name: str, channel: str | None) -> str:
    """A column name not yet taken."""
    choices = [name] if channel is None else [channel, f"{name}.{channel}"]
    for column in choices if name in KINDS else choices[-1:]:
        if column not in table:
            return column
    came = f"{channel or name!r} more than once"
    raise ArgumentError(refusal(name, "a column name of its own", came, "rename the channel or the variable"))


def _signature(variable: xr.DataArray, coord: bool) -> dict[str, Any]:
    lead = [str(dim) for dim in ("trajectory", "time") if dim in variable.dims]
    axis = [str(dim) for dim in variable.dims if dim not in ("trajectory", "time")]
    signature = {"dims": lead + axis, "axis": bool(axis), "coord": coord, "attrs": dict(variable.attrs)}
    return signature | {"dtype": "object" if variable.dtype.kind in "OUT" else str(variable.dtype)}


def _filled(column: pd.Series, signature: dict, place: tuple, shape: tuple[int, int]) -> np.ndarray:
    """A column as (trajectory, time), or (trajectory) by the first sample of each run."""
    dtype = np.dtype(signature["dtype"])
    full = np.full(shape, blank(dtype), dtype)
    full[place] = column.to_numpy(dtype=dtype)
    return full if "time" in signature["dims"] else full[:, 0]
