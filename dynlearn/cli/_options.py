"""Options that several commands share, declared once."""

from pathlib import Path
from typing import Annotated

import typer

TABLE = "Columns of a .csv file"

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
Key = Annotated[int, typer.Option("--key", help="Seed of everything random.", min=0)]
Context = Annotated[int, typer.Option("--context", help="Samples seen before each forecast.", min=1)]
Horizon = Annotated[int, typer.Option("--horizon", help="Samples forecast.", min=1)]
Samples = Annotated[int, typer.Option("--samples", help="Monte Carlo draws per forecast.", min=1)]
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
