"""dynlearn fit: from data to a model in a file, with its scores on held-out data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dynlearn.cli import _options as o

if TYPE_CHECKING:
    import xarray as xr


def fit(
    data: o.Data,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Write the fitted model here.", show_default=False)
    ],
    family: Annotated[str, typer.Option("--model", "-m", help="NeuralODE, Koopman, ARX, ...")] = "NeuralODE",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="NAME=VALUE, a setting of the model, such as width=32, or lifting=fourier with "
            "lifting.count=200; repeatable.",
        ),
    ] = None,
    members: Annotated[int, typer.Option("--members", help="Fit an ensemble of so many.", min=1)] = 1,
    until: Annotated[
        int | None, typer.Option("--until", help="Use so many samples of each run, the first ones.", min=1)
    ] = None,
    split: Annotated[
        str, typer.Option("--split", help="Fractions for training and validation; the rest is for the test.")
    ] = "0.7,0.15",
    by: Annotated[
        str, typer.Option("--split-by", help="Cut every run in time, or draw whole runs: time or trajectory.")
    ] = "time",
    method: Annotated[
        str | None,
        typer.Option("--method", help="gradient, least_squares or calibration; default the model's own."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Steps of method gradient, at most.", min=1)
    ] = None,
    method_settings: Annotated[
        list[str] | None,
        typer.Option(
            "--method-set", help="NAME=VALUE, a setting of the method, such as horizon=30; repeatable."
        ),
    ] = None,
    context: o.Context = 50,
    horizon: o.Horizon = 100,
    samples: o.Samples = 200,
    key: o.Key = 0,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint", help="Keep the state of the fit here; an interrupted one goes on from it."
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write a .html page about the fit.")] = None,
    time: o.Time = None,
    dt: o.Dt = None,
    outputs: o.Outputs = None,
    controls: o.Controls = None,
    trajectory: o.Trajectory = None,
    units: o.Units = None,
    sep: o.Sep = None,
    decimal: o.Decimal = None,
) -> None:
    """Fit a model to data, and score it on held-out data beside the baselines."""
    from dynlearn.cli import _build, _console, _files, _pairs
    from dynlearn.cli._data import Table, open_data
    from dynlearn.cli._tables import score_tables

    for option, path, suffixes in (
        ("--output", output, ()),
        ("--checkpoint", checkpoint, ()),
        ("--report", report, _files.PAGES),
    ):
        _files.check_target(option, path, suffixes)
    with _console.working(f"reading {data}"):
        ds = open_data(data, Table(time, dt, outputs, controls, trajectory, units, sep, decimal))
        ds = ds.isel(time=slice(None, until))
        train, valid, test = ds.dyn.split(*_fractions(split), by=by, key=key)
        _check_long_enough(test, context, horizon)
    _console.out().print(ds.dyn.describe())

    with _console.working("importing JAX and building the model"):
        import dynlearn as dl

        made = _build.model(family, train, _pairs.values("--set", settings), key, members)
        _check_context(made.required, context)
        chosen = {
            **_pairs.values("--method-set", method_settings),
            **({"steps": steps} if steps is not None else {}),
        }
        how = _build.method(method, chosen, made.method)
    result = dl.fit(made, train, valid, how, key=key, checkpoint=checkpoint)
    dl.save(result.model, output)
    _console.out().print(f"[bold]{family}[/], {result.seconds:.1f} s: {result.reason}")
    _console.written(output)

    with _console.working("scoring on held-out data"):
        name = f"{family} model" if family in ("ARX",) else family
        scores = dl.compare(
            {name: result.model}, train, test, context, horizon, validation=valid, samples=samples, key=key
        )
    for table in score_tables(scores):
        _console.out().print(table)
    if report is not None:
        from dynlearn.cli._fit_page import page

        with _console.working("writing the report"):
            used = {
                "data": data,
                "model": family,
                **_pairs.texts("--set", settings),
                "method": how,
                "key": key,
                **({} if until is None else {"until": until}),
                "split": split,
                "split by": by,
            }
            page(result, ds, test, scores, used, name).write(report)
        _console.written(report)


def _fractions(text: str) -> tuple[float, float]:
    from dynlearn.cli import _pairs
    from dynlearn.errors import ArgumentError

    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2:
        raise ArgumentError(
            f"--split: expected two fractions, training and validation, got {text!r}; pass e.g. 0.7,0.15."
        )
    first, second = (_pairs.number("--split", part) for part in parts)
    if first + second > 1 - 1e-9:
        raise ArgumentError(
            f"--split: expected a rest to score on, got {first:g} + {second:g}; pass e.g. 0.7,0.15."
        )
    return first, second


def _check_context(required: int, context: int) -> None:
    from dynlearn.errors import ArgumentError

    if context < required:
        raise ArgumentError(
            f"--context: this model infers its state from {required} samples, got {context}; pass as many."
        )


def _check_long_enough(test: "xr.Dataset", context: int, horizon: int) -> None:
    from dynlearn.errors import ArgumentError

    longest = int(test.dyn.lengths.max())
    if longest < context + horizon:
        raise ArgumentError(
            f"--context, --horizon: the longest held-out run has {longest} samples, {context} + {horizon} "
            f"are needed to score forecasts; pass smaller ones, or another --split."
        )
