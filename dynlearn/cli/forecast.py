"""dynlearn forecast: what comes next, as sample paths in a file and as a fan."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dynlearn.cli import _options as o

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
        Path | None, typer.Option("--output", "-o", help="Write the sample paths to this .nc or .zarr file.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the forecast to this .png, .svg or .pdf file.")
    ] = None,
    run: Annotated[str | None, typer.Option("--run", help="Forecast this run only.")] = None,
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
) -> None:
    """Forecast what comes after a record, or after its first --context samples, beside what did come."""
    from dynlearn.cli import _console, _files
    from dynlearn.cli._data import Table, open_both
    from dynlearn.errors import ArgumentError

    _files.check_target("--output", output, _files.DATASETS)
    _files.check_target("--plot", plot, _files.FIGURES)
    if horizon is None and context is None:
        raise ArgumentError(
            "--horizon: expected a number of steps, or --context to forecast what is recorded, got neither."
        )
    with _console.working("forecasting"):
        import dynlearn as dl

        columns = Table(time, dt, outputs, controls, trajectory, units, sep, decimal)
        fitted = dl.load(model)
        ds, later = open_both(data, future, columns)
        ds = ds if run is None else ds.dyn.run(_run_id(ds, run))
        before, after = _cut(ds, context, horizon)
        applied = _applied(fitted, after, later, horizon)
        times = after["t"].values if horizon is None and after is not None else None
        fc = dl.forecast(fitted, before, horizon, applied, samples, key, times=times)
    _console.out().print(_table(fc))
    if far := fc.attrs.get("extrapolates"):
        _console.out().print(f"Beyond the training data: {far}.", style="yellow", markup=False)
    if output is not None:
        dl.write(fc, output)
        _console.written(output)
    if plot is not None:
        first = fc["trajectory"].values[0]
        figure = dl.plot.forecast_fan(fc, after if _has(after, first) else None, before, first)
        figure.savefig(plot, dpi=200)
        _console.written(plot)


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


def _run_id(ds: "xr.Dataset", text: str) -> Any:
    """The run whose id reads like this: ids may be numbers."""
    return {str(name): name for name in ds["trajectory"].values.tolist()}.get(text, text)


def _has(after: "xr.Dataset | None", run: Any) -> bool:
    return after is not None and bool(
        after["t"].dims == ("time",) or after["t"].sel(trajectory=run).notnull().any()
    )


def _table(fc: "xr.Dataset") -> Any:
    """Mean and 90 % interval at a few instants of the first run."""
    import numpy as np
    from rich import box
    from rich.table import Table

    from dynlearn.trajectories import schema

    run = fc["trajectory"].values[0]
    runs = fc.sizes["trajectory"]
    title = f"run {run}" + (f" (the first of {runs})" if runs > 1 else "")
    unit = schema.time_unit(fc)
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column(f"t ({unit})" if unit else "t", justify="right")
    for name, unit in zip(fc.dyn.outputs, schema.units(fc, "output"), strict=True):
        table.add_column(f"{name} ({unit})" if unit else name, justify="right")
        table.add_column("90 % interval", justify="right", style="dim")
    one = fc.isel(trajectory=0)
    mean = one["output_mean"].transpose("time", "output_name").values
    low, high = np.quantile(
        one["output"].transpose("sample", "time", "output_name").values, [0.05, 0.95], axis=0
    )
    t = schema.times_2d(fc)[0]
    for k in np.unique(np.linspace(0, len(t) - 1, 8).round().astype(int)):
        cells = [[f"{mean[k, j]:.4g}", f"{low[k, j]:.4g} to {high[k, j]:.4g}"] for j in range(mean.shape[1])]
        table.add_row(f"{t[k]:g}", *(cell for pair in cells for cell in pair))
    return table
