"""dynlearn compare: several models on exactly the same windows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dynlearn.cli.shared import options as o

if TYPE_CHECKING:
    from dynlearn.cli.shared.data import Table


def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Files that `dynlearn fit` wrote, or NAME=FILE to choose a name.", show_default=False
        ),
    ],
    data: o.Data,
    context: o.Context = None,
    horizon: o.Horizon = None,
    train: o.Train = None,
    samples: o.Samples = 200,
    stride: o.Stride = None,
    of: o.Of = None,
    output: o.Scores = None,
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
    """Score several models on the same held-out data, with the baselines beside them."""
    from dynlearn.cli.shared.data import Table

    columns = Table(time, dt, outputs, controls, trajectory, units, sep, decimal, regularize)
    score(models, data, train, columns, context, horizon, samples, stride, of, output, key)


def score(
    models: list[str],
    data: str,
    train: str | None,
    columns: "Table",
    context: int | None,
    horizon: int | None,
    samples: int,
    stride: int | None,
    of: str | None,
    output: Path | None,
    key: int,
) -> None:
    """Load, score, show and write: what `evaluate` and `compare` share."""
    from dynlearn.cli.shared import console, files, windows
    from dynlearn.cli.shared.data import open_both
    from dynlearn.cli.shared.tables import score_tables

    files.check_target("--output", output, (".nc",))
    test, reference = open_both(data, train, columns)
    lengths = test.dyn.lengths.tolist()
    windows.check_room(lengths, context, horizon)
    with console.working("scoring"):
        import dynlearn as dl

        loaded = _load(models)
        required = max(model.required for model in loaded.values())
        context, horizon = windows.sizes(lengths, required, context, horizon)
        scores = dl.compare(
            loaded, reference, test, context, horizon, samples=samples, stride=stride, key=key
        )
        tables = score_tables(scores, of)
    for table in tables:
        console.out().print(table)
    if output is not None:
        files.write_scores(scores, output)
        console.written(output)


def _load(models: list[str]) -> dict[str, Any]:
    """Models by name: that before "=", else the file's without its suffix."""
    from dynlearn.contract.storage.files import load
    from dynlearn.errors import ArgumentError
    from dynlearn.evaluation.baselines import NAMES

    found: dict[str, Any] = {}
    for item in models:
        given, equals, file = item.rpartition("=")
        name = given if equals else Path(file).stem
        if name in found or name in NAMES:
            why = "comes twice" if name in found else "is a baseline's"
            raise ArgumentError(f"MODELS: the name {name!r} {why}; choose another: NAME={file}.")
        found[name] = load(file)
    return found
