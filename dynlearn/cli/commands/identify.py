"""dynlearn identify: how many states the data carry, and the linear model that has them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dynlearn.cli.shared import options as o

if TYPE_CHECKING:
    import xarray as xr

METHODS = ("subspace", "em")
CRITERIA = ("bic", "aic", "validation")


def identify(
    data: o.Data,
    output: o.Fitted,
    states: Annotated[
        int | None, typer.Option("--states", help="So many, instead of choosing their number.", min=1)
    ] = None,
    most: Annotated[
        int | None,
        typer.Option("--max-states", help="Choose up to so many; default 10, fewer for short runs.", min=1),
    ] = None,
    criterion: Annotated[
        str,
        typer.Option("--criterion", help="What chooses: bic, aic, or validation (the held-out part)."),
    ] = "bic",
    method: Annotated[
        str, typer.Option("--method", help="subspace (no start needed), or em (many values missing).")
    ] = "subspace",
    feedthrough: Annotated[
        bool, typer.Option("--feedthrough", help="Controls act on the outputs of the same instant.")
    ] = False,
    until: o.Until = None,
    split: o.Split = "0.7,0.15",
    by: o.SplitBy = "time",
    context: o.Context = None,
    horizon: o.Horizon = None,
    samples: o.Samples = 200,
    key: o.Key = 0,
    checkpoint: o.Checkpoint = None,
    report: o.Report = None,
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
    """Identify a linear state-space model: choose its number of states, fit it, score it on held-out data."""
    from dynlearn.cli.shared import console, fit_steps, windows
    from dynlearn.cli.shared.data import Table
    from dynlearn.errors import ArgumentError, check_known

    check_known("method", [method], METHODS)
    check_known("criterion", [criterion], CRITERIA)
    if states is not None and most is not None:
        raise ArgumentError("--states, --max-states: expected one of them, got both; leave out --max-states.")
    fit_steps.check_targets(output, checkpoint, report)
    columns = Table(time, dt, outputs, controls, trajectory, units, sep, decimal, regularize)
    parts = fit_steps.read_parts(data, columns, until, split, by, key, context, horizon)

    with console.working("choosing the number of states"):
        import dynlearn as dl
        from dynlearn.fitting.orders import best_order

        if states is None:
            orders = None if most is None else range(1, most + 1)
            held_out = parts.valid if criterion == "validation" else None
            scores = dl.fitting.order_scores(parts.train, orders, held_out, feedthrough=feedthrough)
            states = best_order(scores, criterion)
            console.out().print(_table(scores, criterion, states))
        made = dl.models.LinearStateSpace.from_data(
            parts.train, states=states, continuous=False, feedthrough=feedthrough
        )
        sizes = windows.sizes(parts.lengths, made.required, context, horizon)
        windows.check_startable(made, parts.test, *sizes)
    result = dl.fit(made, parts.train, parts.valid, method, key=key, checkpoint=checkpoint)
    used = {
        "data": data,
        "model": "LinearStateSpace",
        "states": states,
        "method": method,
        "key": key,
        **({} if until is None else {"until": until}),
        "split": split,
        "split by": by,
    }
    fit_steps.finish(result, "LinearStateSpace", parts, sizes, samples, key, output, report, used)


def _table(scores: "xr.Dataset", criterion: str, chosen: int) -> Any:
    """Every order under every criterion, the smaller the better."""
    from rich import box

    from dynlearn.wide_table import WideTable

    title = f"{chosen} state{'s' * (chosen != 1)} by {criterion}"
    table = WideTable(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    names = [str(name) for name in scores.data_vars]
    for name in ("states", *names):
        table.add_column(name, justify="right", style="bold" if name == criterion else None)
    for order in scores["order"].values.tolist():
        row = [f"{float(scores[name].sel(order=order)):.5g}" for name in names]
        table.add_row(str(order), *row, style="bold" if order == chosen else None)
    return table
