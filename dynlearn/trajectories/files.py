"""Datasets on disk: netCDF, zarr, and columns of a CSV table."""

import os
import tempfile
from pathlib import Path
from typing import Any

import xarray as xr

from dynlearn.errors import ArgumentError, FileFormatError, SchemaError, unknown
from dynlearn.trajectories.checks import validate
from dynlearn.trajectories.csv_table import from_csv
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.schema import strings

SUFFIXES = (".nc", ".zarr", ".csv")


def read(path: str | os.PathLike, *, lazy: bool = False, **frame_options: Any) -> xr.Dataset:
    """A dataset from a netCDF file, a zarr store, or a CSV table, by the suffix of `path`.

    **Args** `lazy`: leave netCDF and zarr values on disk until they are used (needs dask). For a CSV
    table `frame_options` say what its columns are, as in `from_csv`.

    **Raises** `FileNotFoundError`; `FileFormatError` where the file is damaged or not under the schema;
    `ArgumentError` for an unknown suffix or option.

    >>> import tempfile, numpy as np
    >>> from dynlearn.trajectories import from_arrays
    >>> ds = from_arrays(np.zeros(3), dt=0.1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(ds, folder + "/runs.nc")
    ...     read(folder + "/runs.nc").identical(ds)
    True
    """
    path = Path(path)
    suffix = _suffix(path)
    if not path.exists():
        raise FileNotFoundError(
            f"path: expected an existing file, got {str(path)!r}; check the name and folder."
        )
    if suffix == ".csv":
        if lazy:
            remedy = "leave lazy out, or convert the table once with dynlearn.trajectories.write"
            raise ArgumentError(refusal("lazy", "False for a .csv file", True, remedy))
        return from_csv(path, **frame_options)
    if frame_options:
        remedy = "leave it out: the file says what its variables are"
        raise ArgumentError(refusal(next(iter(frame_options)), "only with a .csv file", suffix, remedy))
    return _read_xarray(path, suffix, lazy)


def write(ds: xr.Dataset, path: str | os.PathLike) -> None:
    """Write a dataset as netCDF (.nc) or zarr (.zarr), whole or not at all; an old one is replaced.

    The file is written beside its place under another name and moved there when it is complete.

    **Raises** `SchemaError` for a dataset that is not under the schema, `ArgumentError` for a suffix.
    """
    path = Path(path)
    suffix = _suffix(path)
    if suffix == ".csv":
        remedy = "write .nc or .zarr, or ds.dyn.to_frame().to_csv(path) for the numbers alone"
        raise ArgumentError(refusal("path", "a format that keeps units and names", "'.csv'", remedy))
    ds = _with_portable_text(validate(ds))
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as folder:
        fresh = Path(folder) / path.name
        if suffix == ".nc":
            ds.to_netcdf(fresh, engine="h5netcdf")
        else:
            _require("zarr")
            ds.to_zarr(fresh, consolidated=False)
        if path.is_dir():
            _check_store(path)
            os.replace(path, Path(folder) / "old")
        os.replace(fresh, path)


def _suffix(path: Path) -> str:
    if path.suffix not in SUFFIXES:
        raise ArgumentError(f"path: {unknown('suffix', path.suffix, SUFFIXES)}")
    return path.suffix


def _read_xarray(path: Path, suffix: str, lazy: bool) -> xr.Dataset:
    options: dict[str, Any] = {"decode_times": False}
    if suffix == ".nc":
        options["engine"] = "h5netcdf"
    else:
        _require("zarr")
        options |= {"engine": "zarr", "backend_kwargs": {"consolidated": False}}
    try:
        if lazy:
            _require("dask")
            ds = xr.open_dataset(path, chunks={}, **options)
        else:
            ds = xr.load_dataset(path, **options)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise FileFormatError(_damaged(path, f"a complete {suffix} file", error)) from error
    try:
        return validate(ds)
    except SchemaError as error:
        ds.close()
        raise FileFormatError(f"{path.name} is not a dynlearn dataset. {error}") from error


def _damaged(path: Path, expected: str, error: Exception) -> str:
    reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    remedy = "it may be truncated or of another kind: copy or export it again"
    return refusal(str(path), expected, f"one that cannot be read ({reason})", remedy)


def _require(package: str) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise ArgumentError(refusal("path", f"{package} installed", "none", 'pip install "dynlearn[data]"'))


def _check_store(path: Path) -> None:
    """Refuse to replace a folder that is not a zarr store."""
    if not any((path / name).exists() for name in ("zarr.json", ".zgroup")):
        raise FileFormatError(
            refusal(str(path), "a zarr store to replace", "another folder", "move it away first")
        )


def _with_portable_text(ds: xr.Dataset) -> xr.Dataset:
    """Text of fixed width, which zarr has no stable type for, as objects."""
    text = {
        name: (variable.dims, strings(variable.values.ravel()).reshape(variable.shape), variable.attrs)
        for name, variable in ds.variables.items()
        if variable.dtype.kind in "UT"
    }
    coords = {name: value for name, value in text.items() if name in ds.coords}
    return ds.assign({n: v for n, v in text.items() if n not in coords}).assign_coords(coords)
