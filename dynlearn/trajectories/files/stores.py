"""Datasets as netCDF files and zarr stores, with a digest of all that was written."""

import io
from pathlib import Path
from typing import Any

import xarray as xr

from dynlearn.disk.listing import check_listed, list_files
from dynlearn.disk.seal import sealed, unsealed
from dynlearn.disk.whole import check_place, put, replacing
from dynlearn.errors import ArgumentError, FileFormatError, SchemaError, in_short
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.schema import strings

LISTING = "t/files.sha256"
"""Of a store: within the folder of an array, where zarr expects nothing that it knows."""
RATIO, FREE = 1100, 2**26
"""In files without a digest: bytes in memory per byte on disk that DEFLATE can reach (1032) and some, and those that
need no explanation. What padding compresses to in a store of ours may be far less."""


def write_store(ds: xr.Dataset, path: Path, suffix: str) -> None:
    """Whole or not at all. A netCDF file is put together in memory: it is put in place by one move."""
    ds = _with_portable_text(ds)
    if suffix == ".nc":
        check_place(path)
        put(path, sealed(bytes(ds.to_netcdf(engine="h5netcdf"))))
        return
    _require("zarr")
    if path.is_dir():
        _check_store(path)
    with replacing(path, folder=True) as fresh:
        ds.to_zarr(fresh, consolidated=False)
        list_files(fresh, LISTING)


def read_store(path: Path, suffix: str, lazy: bool) -> xr.Dataset:
    """What `write_store` wrote, or another program; values are compared with the digest unless `lazy`."""
    # Whatever a damaged file makes the libraries below say, it is said in one sentence.
    try:
        ds = _opened(path, suffix, lazy)
    except (ArgumentError, FileFormatError):
        raise
    except Exception as error:
        raise FileFormatError(damaged(path, f"a complete {suffix} file", error)) from error
    try:
        return validate(ds)
    except SchemaError as error:
        ds.close()
        raise FileFormatError(f"{path.name} is not a dynlearn dataset. {error}") from error


def damaged(path: Path, expected: str, error: Exception) -> str:
    remedy = "it may be truncated or of another kind: copy or export it again"
    return refusal(str(path), expected, f"one that cannot be read ({in_short(error)})", remedy)


def _opened(path: Path, suffix: str, lazy: bool) -> xr.Dataset:
    if lazy:
        _require("dask")
    options: dict[str, Any] = {"decode_times": False} | ({"chunks": {}} if lazy else {})
    source: Any = path
    known: bool | None = None
    """Whether a digest says that this is what was written."""
    if suffix == ".nc":
        options["engine"] = "h5netcdf"
        if not lazy:
            source, known = _verified(path)
    else:
        _require("zarr")
        options |= {"engine": "zarr", "backend_kwargs": {"consolidated": False}}
        if path.is_dir():
            known = check_listed(path, LISTING, contents=lambda name: not lazy or name.endswith("zarr.json"))
    ds = xr.open_dataset(source, **options)
    if lazy:
        return ds
    if not known:
        _check_size(path, ds)
    with ds:
        return ds.load()


def _verified(path: Path) -> tuple[io.BytesIO, bool | None]:
    """The bytes, and whether they are those that were written; None where nobody says."""
    body, right = unsealed(path.read_bytes())
    if right is False:
        remedy = "copy or export it again"
        raise FileFormatError(
            refusal(str(path), "the bytes that were written", "others (by their digest)", remedy)
        )
    return io.BytesIO(body), right


def _check_size(path: Path, ds: xr.Dataset) -> None:
    """A small file that says it is huge is damaged, or empty where it is."""
    files = path.rglob("*") if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files if file.is_file())
    if ds.nbytes > max(FREE, RATIO * size):
        remedy = "export it again, or open it with lazy=True"
        came = f"{ds.nbytes:.3g} bytes of values in a file of {size:.3g}"
        raise FileFormatError(refusal(str(path), "values that the file can hold", came, remedy))


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
