"""dynlearn forecast: what comes next, as sample paths in a file and as a fan."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dynlearn.cli.shared import options as o

if TYPE_CHECKING:
    import xarray as xr


def forecast(
    model: o.Model,
    data: o.Data,
    horizon: Annotated[
        int | None,
        typer.Option(
            "--horizon",
            help="Steps to forecast; without it, to the end of the record after --context.",
            min=1,
        ),
    ] = None,
    context: Annotated[
        int | None,
        typer.Option(
            "--context",
            help="Forecast after so many samples of each run; default: after its last one.",
            min=1,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write means, standard deviations and quantiles to this .csv file, or all sample paths to "
            "a .nc or .zarr file.",
        ),
    ] = None,
    plot: o.Plot = None,
    run: o.Run = None,
    future: Annotated[
        str | None,
        typer.Option(
            "--future",
            help="Data whose controls are applied, from the first forecast instant on; default the record's "
            "own after --context.",
        ),
    ] = None,
    samples: o.Samples = 200,
    key: o.Key = 0,
    time: o.Time = None,
    dt: o.Dt = None,
    outputs: o.Outputs = None,
    controls: o.Controls = None,
    trajectory: o.Trajectory = None,
    units: o.Units = None,
    sep: o.Sep = None,
    decimal: o.Decimal = None,
    regularize: o.Regularize = False,
) -> None:
    """Forecast what comes after a record, or after its first --context samples, beside what did come."""
    from dynlearn.cli.shared import console, files
    from dynlearn.cli.shared.data import Table, one_run, open_both
    from dynlearn.errors import ArgumentError

    files.check_target("--output", output, o.SERIES)
    files.check_target("--plot", plot, files.FIGURES)
    if horizon is None and context is None:
        raise ArgumentError(
            "--horizon: expected a number of steps, or --context to forecast what is recorded, got neither."
        )
    with console.working("forecasting"):
        import dynlearn as dl

        columns = Table(time, dt, outputs, controls, trajectory, units, sep, decimal, regularize)
        fitted = dl.load(model)
        ds, later = open_both(data, future, columns)
        ds = one_run(ds, run)
        before, after = _cut(ds, context, horizon)
        applied = _applied(fitted, after, later, horizon)
        times = after["t"].values if horizon is None and after is not None else None
        fc = dl.forecast(fitted, before, horizon, applied, samples, key, times=times)
    console.out().print(_table(fc))
    if far := fc.attrs.get("extrapolates"):
        console.out().print(f"Beyond the training data: {far}.", style="yellow", markup=False)
    if output is not None:
        files.write_dataset(fc, output, columns)
        console.written(output)
    if plot is not None:
        first = fc["trajectory"].values[0]
        figure = dl.plot.forecast_fan(fc, after if _has(after, first) else None, before, first)
        figure.savefig(plot, dpi=200)
        console.written(plot)


def _cut(
    ds: "xr.Dataset", context: int | None, horizon: int | None
) -> "tuple[xr.Dataset, xr.Dataset | None]":
    """What the forecast has seen, and what came after it where the record goes on."""
    from dynlearn.errors import ArgumentError

    if context is None:
        return ds, None
    longest = int(ds.dyn.lengths.max())
    if context > longest:
        raise ArgumentError(f"--context: the longest run has {longest} samples, got {context}; pass fewer.")
    stop = None if horizon is None else context + horizon
    after = ds.isel(time=slice(context, stop))
    if after.sizes["time"] == 0:
        if horizon is None:
            raise ArgumentError(
                f"--context: nothing comes after {context} samples of {longest}; pass fewer, or --horizon."
            )
        return ds.isel(time=slice(None, context)), None
    return ds.isel(time=slice(None, context)), after


def _applied(model: Any, after: "xr.Dataset | None", future: "xr.Dataset | None", horizon: int | None) -> Any:
    """The controls at the forecast instants."""
    from dynlearn.errors import ArgumentError

    names = list(model.signature.control_names)
    if not names:
        if future is not None:
            raise ArgumentError("--future: this model has no controls; leave it out.")
        return None
    source = after if future is None else future
    if source is None or "control" not in source:
        raise ArgumentError(
            f"--future: the model is driven by {names}; pass data with them over the forecast, or "
            f"--context, after which the record's own are applied."
        )
    return source["control"].isel(time=slice(None, horizon))


def _has(after: "xr.Dataset | None", run: Any) -> bool:
    return after is not None and bool(
        after["t"].dims == ("time",) or after["t"].sel(trajectory=run).notnull().any()
    )


def _table(fc: "xr.Dataset") -> Any:
    """Mean and 90 % interval at a few instants of the first run."""
    import numpy as np

    from dynlearn.cli.shared.tables import evenly, headers, series_table

    rows = evenly(range(int(fc.dyn.lengths[0])))
    mean = fc["output_mean"].transpose("trajectory", "time", "output_name").values[0][rows]
    draws = fc["output"].transpose("trajectory", "sample", "time", "output_name").values[0][:, rows]
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    columns: dict[str, tuple[str, Any]] = {}
    for j, name in enumerate(headers(fc)):
        columns[name] = ("", [f"{value:.4g}" for value in mean[:, j]])
        interval = zip(low[:, j], high[:, j], strict=True)
        columns[f"{name} 90 % interval"] = ("dim", [f"{a:.4g} to {b:.4g}" for a, b in interval])
    return series_table(fc, 0, rows, columns)
