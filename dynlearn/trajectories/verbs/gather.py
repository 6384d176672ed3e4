"""The one primitive behind selecting, splitting and windowing: ranges of runs become new runs."""

from typing import Any

import numpy as np
import xarray as xr

from dynlearn.trajectories.checks.validate import valid
from dynlearn.trajectories.once import known
from dynlearn.trajectories.schema import run_lengths, times_2d


def gather(ds: xr.Dataset, rows: np.ndarray, starts: np.ndarray, lengths: np.ndarray, ids: Any) -> xr.Dataset:
    """Run i of the result is the samples `starts[i]` to `starts[i] + lengths[i]` of run `rows[i]` of `ds`.

    Every new run is aligned to its start and padded to the longest. Chunked variables stay lazy, and
    where all ranges start at the same sample of the runs as they are, the values are not copied.

    Args:
        ds: trajectories under the schema.
        rows, starts, lengths: integers `(new trajectory,)`; every length at least 1, every range inside its run.
        ids: the new run ids.

    >>> from dynlearn.trajectories import from_arrays
    >>> ds = from_arrays(np.arange(5.0), dt=1.0)
    >>> two = gather(ds, np.array([0, 0]), np.array([0, 3]), np.array([3, 2]), ["a", "b"])
    >>> two["output"].values[..., 0]
    array([[ 0.,  1.,  2.],
           [ 3.,  4., nan]])
    """
    found = _gathered(with_own_times(ds), rows, starts, lengths, ids)
    known(valid, found, True)  # as what it was taken from
    return found


def _gathered(
    ds: xr.Dataset, rows: np.ndarray, starts: np.ndarray, lengths: np.ndarray, ids: Any
) -> xr.Dataset:
    longest = int(lengths.max())
    same = len(rows) == ds.sizes["trajectory"] and (rows == np.arange(len(rows))).all()
    if same and (starts == starts[0]).all():
        taken = ds.isel(time=slice(int(starts[0]), int(starts[0]) + longest))
        if (lengths == run_lengths(ds) - starts).all():  # what follows is padding already
            return taken.assign_coords(trajectory=ids_array(ids))
    else:
        index = np.minimum(starts[:, None] + np.arange(longest), ds.sizes["time"] - 1)
        row, column = xr.DataArray(rows, dims="trajectory"), xr.DataArray(index, dims=("trajectory", "time"))
        taken = ds.drop_vars("trajectory").isel(trajectory=row, time=column)
    taken = taken.assign_coords(trajectory=ids_array(ids))
    inside = xr.DataArray(np.arange(longest) < lengths[:, None], dims=("trajectory", "time"))
    return taken if inside.all() and taken.sizes["time"] == longest else _blanked(taken, inside)


def with_own_times(ds: xr.Dataset) -> xr.Dataset:
    """The dataset with `t` as (trajectory, time), also where the runs share their instants."""
    if ds["t"].dims == ("trajectory", "time"):
        return ds
    return ds.assign_coords(t=(("trajectory", "time"), times_2d(ds).copy(), ds["t"].attrs))


def padded_to(ds: xr.Dataset, length: int) -> xr.Dataset:
    """The dataset with padding added until the time axis has `length` samples."""
    more = length - ds.sizes["time"]
    if more <= 0:
        return ds
    new = {}
    for name, variable in ds.variables.items():
        if "time" in variable.dims:
            fill = blank(variable.dtype)
            new[name] = variable.pad(time=(0, more), mode="constant", constant_values=fill)
    rest = ds.drop_vars(new)
    coords = {name: variable for name, variable in new.items() if name in ds.coords}
    return rest.assign({n: v for n, v in new.items() if n not in coords}).assign_coords(coords)


def trimmed(ds: xr.Dataset) -> xr.Dataset:
    """The dataset without the padding that no run needs."""
    return ds.isel(time=slice(0, int(run_lengths(ds).max())))


def blank(dtype: np.dtype) -> Any:
    """What stands in the padding: NaN, False, 0 or "", by the type of the variable."""
    return {"b": False, "i": 0, "u": 0, "f": np.nan}.get(dtype.kind, "")


def ids_array(ids: Any) -> np.ndarray:
    """Run ids as integers, or as objects where they are strings."""
    array = np.asarray(ids)
    return array.astype(object) if array.dtype.kind in "UT" else array


def _blanked(ds: xr.Dataset, inside: xr.DataArray) -> xr.Dataset:
    new = {}
    for name in (name for name, variable in ds.variables.items() if "time" in variable.dims):
        new[name] = ds[name].where(inside, blank(ds[name].dtype)).variable
    coords = {name: variable for name, variable in new.items() if name in ds.coords}
    return ds.assign({n: v for n, v in new.items() if n not in coords}).assign_coords(coords)
