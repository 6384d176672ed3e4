"""Datasets on disk: netCDF, zarr, and columns of a CSV table."""

import os
from pathlib import Path
from typing import Any

import xarray as xr

from dynlearn.disk.there import check_there
from dynlearn.errors import ArgumentError, unknown
from dynlearn.trajectories.build.csv.table import from_csv
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.files.stores import read_store, write_store
from dynlearn.trajectories.message import refusal

SUFFIXES = (".nc", ".zarr", ".csv")


def read(path: str | os.PathLike, *, lazy: bool = False, **frame_options: Any) -> xr.Dataset:
    """A dataset from a netCDF file, a zarr store, or a CSV table, by the suffix of `path`.

    Args:
        path: the file or store; its suffix is .nc, .zarr or .csv.
        lazy: leave netCDF and zarr values on disk until they are used (needs dask); they are then
            not compared with the digest that `write` made.
        frame_options: of a CSV table: what its columns are, as in `from_csv`.

    Returns:
        The dataset, checked against the trajectory schema.

    Raises:
        MissingFileError: there is nothing at `path`.
        FileFormatError: the file is damaged or not under the schema.
        ArgumentError: an unknown suffix or option.

    >>> import tempfile, numpy as np
    >>> from dynlearn.trajectories import from_arrays
    >>> ds = from_arrays(np.zeros(3), dt=0.1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(ds, folder + "/runs.nc")
    ...     read(folder + "/runs.nc").identical(ds)
    True
    """
    suffix = _suffix(Path(path))
    path = check_there(path, f"a {suffix} file")
    if suffix == ".csv":
        if lazy:
            remedy = "leave lazy out, or convert the table once with dynlearn.trajectories.write"
            raise ArgumentError(refusal("lazy", "False for a .csv file", True, remedy))
        return from_csv(path, **frame_options)
    if frame_options:
        remedy = "leave it out: the file says what its variables are"
        raise ArgumentError(refusal(next(iter(frame_options)), "only with a .csv file", suffix, remedy))
    return read_store(path, suffix, lazy)


def write(ds: xr.Dataset, path: str | os.PathLike) -> None:
    """Write a dataset as netCDF (.nc) or zarr (.zarr), whole or not at all; an old one is replaced.

    With it goes a digest of all bytes, by which `read` notices what was changed or lost since. A netCDF file is
    put together in memory before it is written: write data larger than that as zarr.

    Args:
        ds: trajectories under the schema.
        path: where to, with the suffix .nc or .zarr, in a folder that exists.

    Raises:
        SchemaError: a dataset that is not under the schema.
        ArgumentError: another suffix, or a folder that is missing.
        WriteError: the disk is full, or may not be written to.

    >>> import tempfile, numpy as np
    >>> from dynlearn.trajectories import from_arrays
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(from_arrays(np.zeros(3), dt=0.1, units={"y0": "m"}), folder + "/runs.nc")
    ...     read(folder + "/runs.nc").output_unit.values.tolist()
    ['m']
    """
    path = Path(path)
    suffix = _suffix(path)
    if suffix == ".csv":
        remedy = "write .nc or .zarr, or ds.dyn.to_frame().to_csv(path) for the numbers alone"
        raise ArgumentError(refusal("path", "a format that keeps units and names", "'.csv'", remedy))
    write_store(validate(ds), path, suffix)


def _suffix(path: Path) -> str:
    if path.suffix not in SUFFIXES:
        raise ArgumentError(f"path: {unknown('suffix', path.suffix, SUFFIXES)}")
    return path.suffix
