"""What `filter`, `smooth` and `impute` share: a state-space model and data in, a dataset of beliefs out."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynlearn.cli.shared import options as o

if TYPE_CHECKING:
    import xarray as xr

    from dynlearn.cli.shared.data import Table


def infer(
    verb: str,
    model: Path,
    data: str,
    columns: "Table",
    run: str | None,
    method: str | None,
    method_settings: list[str] | None,
    output: Path | None,
    plot: Path | None,
    rows: "Callable[[xr.Dataset], tuple[int, Sequence[int]]]",
    key: int,
    samples: int | None = None,
) -> None:
    """`dl.filter`, `dl.smooth` or `dl.impute` by name: run, shown at the `rows` of a run, written and drawn."""
    from dynlearn.cli.shared import build, console, files, pairs
    from dynlearn.cli.shared.data import one_run, open_data

    files.check_target("--output", output, o.SERIES)
    files.check_target("--plot", plot, files.FIGURES)
    ds = one_run(open_data(data, columns), run)
    with console.working(f"{verb}: {data}"):
        import dynlearn as dl

        draws = {} if samples is None else {"samples": samples}  # the past alone has none to give
        how = build.inference(method, pairs.values("--method-set", method_settings))
        found = getattr(dl, verb)(dl.load(model), ds, method=how, key=key, **draws)
    shown, instants = rows(ds)
    if len(instants):
        console.out().print(_table(found, ds, shown, instants))
    else:
        console.out().print("Nothing is missing: every output is as it was measured.")
    if output is not None:
        files.write_dataset(found, output, columns)
        console.written(output)
    if plot is not None:
        dl.plot.inferred(found, run=found["trajectory"].values[shown]).savefig(plot, dpi=200)
        console.written(plot)


def everywhere(ds: "xr.Dataset") -> tuple[int, Sequence[int]]:
    """The first run, from its first to its last sample."""
    return 0, range(int(ds.dyn.lengths[0]))


def where_missing(ds: "xr.Dataset") -> tuple[int, Sequence[int]]:
    """The first run in which an output was not measured, and where."""
    import numpy as np

    missing = ds["output"].transpose("trajectory", "time", "output_name").isnull().any("output_name").values
    for run, (length, absent) in enumerate(zip(ds.dyn.lengths, missing, strict=True)):
        if absent[:length].any():
            return run, np.flatnonzero(absent[:length]).tolist()
    return 0, ()


def _table(found: "xr.Dataset", ds: "xr.Dataset", run: int, instants: Sequence[int]) -> Any:
    """What was measured, and the mean and the standard deviation of what was inferred."""
    from dynlearn.cli.shared.tables import evenly, headers, series_table

    rows = evenly(instants)
    mean = "output_mean" if "output_mean" in found else "output"
    picked = {
        name: source[variable].transpose("trajectory", "time", "output_name").values[run][rows]
        for name, source, variable in (
            ("measured", ds, "output"),
            ("mean", found, mean),
            ("scale", found, "output_scale"),
        )
    }
    columns: dict[str, tuple[str, Any]] = {}
    for j, name in enumerate(headers(ds)):
        measured = ["–" if value != value else f"{value:.4g}" for value in picked["measured"][:, j]]
        columns[f"{name} measured"] = ("", measured)
        columns[f"{name} inferred"] = ("bold", [f"{value:.4g}" for value in picked["mean"][:, j]])
        columns[f"{name} ±"] = ("dim", [f"{value:.3g}" for value in picked["scale"][:, j]])
    return series_table(found, run, rows, columns)
