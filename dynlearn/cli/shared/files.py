"""Files to be written: asked about before the work starts, not after it."""

from pathlib import Path
from typing import TYPE_CHECKING

from dynlearn.disk import check_place, put, sealed
from dynlearn.errors import ArgumentError, unknown

if TYPE_CHECKING:
    import xarray as xr

    from dynlearn.cli.shared.data import Table

FIGURES = (".png", ".svg", ".pdf")
PAGES = (".html",)


def check_target(option: str, path: Path | None, suffixes: tuple[str, ...] = ()) -> None:
    """Raise unless a file can be written there later."""
    if path is None:
        return
    if suffixes and path.suffix not in suffixes:
        raise ArgumentError(f"{option}: {unknown('suffix', path.suffix, suffixes)}")
    check_place(path.absolute(), folder=path.suffix == ".zarr" and ".zarr" in suffixes, name=option)


def write_dataset(ds: "xr.Dataset", path: Path, names: "Table | None" = None) -> None:
    """As the suffix says; `names` of columns as in `write_csv`."""
    from dynlearn.cli.shared.csv import write_csv
    from dynlearn.trajectories import write

    if path.suffix == ".csv":
        write_csv(ds, path, names)
    else:
        write(ds, path)


def write_scores(scores: "xr.Dataset", path: Path) -> None:
    """Scores as netCDF, whole or not at all. They have no time axis: the trajectory schema is not theirs."""
    put(path, sealed(bytes(scores.to_netcdf(engine="h5netcdf"))))
