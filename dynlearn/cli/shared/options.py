"""Options that several commands share, declared once."""

from pathlib import Path
from typing import Annotated

import typer

TABLE = "Columns of a .csv file"
SERIES = (".csv", ".nc", ".zarr")
"""What series can be written to."""

Data = Annotated[
    str,
    typer.Argument(
        help="A .csv, .nc or .zarr file, or a name that `dynlearn datasets` lists.", show_default=False
    ),
]
Model = Annotated[Path, typer.Argument(help="A file that `dynlearn fit` wrote.", show_default=False)]
Time = Annotated[str | None, typer.Option("--time", help="Column of instants.", rich_help_panel=TABLE)]
Dt = Annotated[
    float | None,
    typer.Option("--dt", help="Interval between rows, instead of --time.", rich_help_panel=TABLE),
]
Outputs = Annotated[
    str | None,
    typer.Option("--outputs", help="Columns of outputs, separated by commas.", rich_help_panel=TABLE),
]
Controls = Annotated[
    str | None,
    typer.Option("--controls", help="Columns of controls, separated by commas.", rich_help_panel=TABLE),
]
Trajectory = Annotated[
    str | None, typer.Option("--trajectory", help="Column of run ids.", rich_help_panel=TABLE)
]
Units = Annotated[
    list[str] | None,
    typer.Option(
        "--unit", help="COLUMN=UNIT; may be repeated, also for the column of instants.", rich_help_panel=TABLE
    ),
]
Sep = Annotated[
    str | None,
    typer.Option(
        "--sep", help='What separates values, " " for blanks; default: found.', rich_help_panel=TABLE
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option("--decimal", help="The decimal point, . or a comma; default: found.", rich_help_panel=TABLE),
]
Regularize = Annotated[
    bool,
    typer.Option(
        "--regularize",
        help="Put samples that a regular grid leaves out back, as not measured; nothing is invented.",
    ),
]
Run = Annotated[str | None, typer.Option("--run", help="This run only.")]
Key = Annotated[int, typer.Option("--key", help="Seed of everything random.", min=0)]
Context = Annotated[
    int | None,
    typer.Option(
        "--context", help="Samples seen before each forecast; default 50, fewer in short runs.", min=1
    ),
]
Horizon = Annotated[
    int | None,
    typer.Option("--horizon", help="Samples forecast; default 100, fewer in short runs.", min=1),
]
Samples = Annotated[int, typer.Option("--samples", help="Monte Carlo draws per forecast.", min=1)]
Draws = Annotated[
    int, typer.Option("--samples", help="Joint draws to write; quantiles of them in a .csv file.", min=0)
]
Stride = Annotated[
    int | None, typer.Option("--stride", help="Samples between forecasts; default the horizon.", min=1)
]
Train = Annotated[
    str | None,
    typer.Option(
        "--train", help="Data the baselines are fitted to; default the test data, which favours them."
    ),
]
Of = Annotated[str | None, typer.Option("--of", help="Show the scores of this output only.")]
Scores = Annotated[Path | None, typer.Option("--output", "-o", help="Write all scores to this .nc file.")]
Series = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write the result to this .csv, .nc or .zarr file.")
]
Plot = Annotated[Path | None, typer.Option("--plot", help="Draw it to this .png, .svg or .pdf file.")]
Inference = Annotated[
    str | None,
    typer.Option(
        "--method",
        help="exact, extended, unscented, ensemble, particle, collapsed, enumerated or amortised; default the "
        "model's own.",
    ),
]
InferenceSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--method-set",
        help="NAME=VALUE, a setting of --method, such as size=5000 of particle; repeatable.",
    ),
]
Fitted = Annotated[
    Path, typer.Option("--output", "-o", help="Write the fitted model here.", show_default=False)
]
Until = Annotated[
    int | None, typer.Option("--until", help="Use so many samples of each run, the first ones.", min=1)
]
Split = Annotated[
    str, typer.Option("--split", help="Fractions for training and validation; the rest is for the test.")
]
SplitBy = Annotated[
    str, typer.Option("--split-by", help="Cut every run in time, or draw whole runs: time or trajectory.")
]
Checkpoint = Annotated[
    Path | None,
    typer.Option("--checkpoint", help="Keep the state of the fit here; an interrupted one goes on from it."),
]
Report = Annotated[Path | None, typer.Option("--report", help="Write a .html page about the fit.")]
