"""dynlearn fit: from data to a model in a file, with its scores on held-out data."""

from typing import Annotated

import typer

from dynlearn.cli.shared import options as o


def fit(
    data: o.Data,
    output: o.Fitted,
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
    until: o.Until = None,
    split: o.Split = "0.7,0.15",
    by: o.SplitBy = "time",
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            help="gradient, teacher_forcing, least_squares, subspace, em, maximum_likelihood, switching_em, spread or "
            "calibration; default the model's own.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Steps of gradient or teacher_forcing, at most.", min=1)
    ] = None,
    method_settings: Annotated[
        list[str] | None,
        typer.Option(
            "--method-set", help="NAME=VALUE, a setting of the method, such as horizon=30; repeatable."
        ),
    ] = None,
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
    """Fit a model to data, and score it on held-out data beside the baselines."""
    from dynlearn.cli.shared import build, console, fit_steps, pairs, windows
    from dynlearn.cli.shared.data import Table

    fit_steps.check_targets(output, checkpoint, report)
    columns = Table(time, dt, outputs, controls, trajectory, units, sep, decimal, regularize)
    parts = fit_steps.read_parts(data, columns, until, split, by, key, context, horizon)

    with console.working("importing JAX and building the model"):
        import dynlearn as dl

        made = build.model(family, parts.train, pairs.values("--set", settings), key, members)
        sizes = windows.sizes(parts.lengths, made.required, context, horizon)
        windows.check_startable(made, parts.test, *sizes)
        chosen = {
            **pairs.values("--method-set", method_settings),
            **({"steps": steps} if steps is not None else {}),
        }
        how = build.method(method, chosen, made.method)
    result = dl.fit(made, parts.train, parts.valid, how, key=key, checkpoint=checkpoint)
    used = {
        "data": data,
        "model": family,
        **pairs.texts("--set", settings),
        "method": how,
        "key": key,
        **({} if until is None else {"until": until}),
        "split": split,
        "split by": by,
    }
    fit_steps.finish(result, family, parts, sizes, samples, key, output, report, used)
