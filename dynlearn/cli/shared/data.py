"""DATA on the command line: a file, or a name of the registry."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynlearn.cli.shared import pairs
from dynlearn.errors import ArgumentError

if TYPE_CHECKING:
    import xarray as xr


@dataclasses.dataclass(frozen=True)
class Table:
    """What the columns of a .csv file are, as given on the command line, and whether any data are put on their grid."""

    time: str | None = None
    dt: float | None = None
    outputs: str | None = None
    controls: str | None = None
    trajectory: str | None = None
    units: list[str] | None = None
    sep: str | None = None
    decimal: str | None = None
    regularize: bool = False

    def options(self) -> dict[str, Any]:
        """As `from_csv` takes them; only those that were given."""
        given: dict[str, Any] = {
            "dt": self.dt,
            "trajectory": self.trajectory,
            "outputs": _names(self.outputs),
            "controls": _names(self.controls),
            "units": pairs.texts("--unit", self.units),
            "sep": "\t" if self.sep in ("\\t", "tab") else self.sep,
            "decimal": self.decimal,
        }
        # The unit of time is asked for under the name of its column, too.
        if self.time is not None and self.time in given["units"]:
            given["units"]["t"] = given["units"].pop(self.time)
        return {k: v for k, v in {"time": self.time, **given}.items() if v not in (None, {}, [])}


def open_data(data: str, table: Table | None = None) -> "xr.Dataset":
    """The dataset that DATA means, on its grid where that was asked for."""
    table = table or Table()
    ds = _opened(data, table)
    return ds.dyn.regularize() if table.regularize else ds


def _opened(data: str, table: Table) -> "xr.Dataset":
    from dynlearn import datasets
    from dynlearn.errors import unknown
    from dynlearn.trajectories import read
    from dynlearn.trajectories.files.read_write import SUFFIXES

    options = table.options()
    path = Path(data)
    if path.suffix in SUFFIXES:
        if path.suffix == ".csv" and path.exists():
            _check_csv(path, options)
        return read(path, **options)
    if path.exists():
        raise ArgumentError(f"{data}: {unknown('suffix', path.suffix, SUFFIXES)}")
    if data not in datasets.names():
        raise ArgumentError(
            f"{unknown('dataset', data, datasets.names())} A file of yours needs one of the suffixes "
            f"{', '.join(SUFFIXES)}."
        )
    if options:
        option = next(iter(options)).replace("units", "unit")
        raise ArgumentError(f"--{option}: expected with a .csv file, got the dataset {data!r}; leave it out.")
    return datasets.load(data)


def one_run(ds: "xr.Dataset", run: str | None) -> "xr.Dataset":
    """The run whose id reads like `run`, for ids may be numbers; all where none was named."""
    if run is None:
        return ds
    return ds.dyn.run({str(name): name for name in ds["trajectory"].values.tolist()}.get(run, run))


def open_both(data: str, other: str | None, table: Table) -> "tuple[xr.Dataset, xr.Dataset | None]":
    """DATA and what an option names beside it; the columns are those of the .csv files among them."""
    if other is None:
        return open_data(data, table), None
    tables = [Path(name).suffix == ".csv" for name in (data, other)]
    alone = Table(regularize=table.regularize)
    first, second = (table if is_table or not any(tables) else alone for is_table in tables)
    return open_data(data, first), open_data(other, second)


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _check_csv(path: Path, options: dict[str, Any]) -> None:
    from dynlearn.trajectories.build.csv.table import csv_columns

    if "outputs" in options and ("time" in options) != ("dt" in options):
        return
    columns = csv_columns(path, options.get("sep"))
    shown = ", ".join(repr(c) for c in columns[:20])
    first, *rest = columns
    example = f"--time {first} --outputs {','.join(rest[:2]) or first}"
    raise ArgumentError(
        f"{path}: expected --outputs, and one of --time and --dt, for a .csv file; its columns are {shown}; "
        f"pass e.g. {example}."
    )
