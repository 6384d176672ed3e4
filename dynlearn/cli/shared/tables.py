"""Scores and series on the terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table

SHOWN = 8
"""Instants of a series."""


def score_tables(scores: "xr.Dataset", output: str | None = None) -> "list[Table | str]":
    """The summary; of one output where `output` says so. What kept a baseline out is said below it."""
    from rich import box
    from rich.markup import escape

    from dynlearn.evaluation import rich_table

    table = rich_table(scores, output)
    table.box, table.caption_justify = box.SIMPLE_HEAD, "left"
    table.title_justify = "left"
    for column in table.columns[1:]:
        # Narrow headers: eight columns fit side by side where a terminal has 80.
        column.header = str(column.header).replace("coverage", "covered\n") + " %" * (
            "coverage" in str(column.header)
        )
    table.pad_edge = False
    missing = [
        f"[yellow]no {key.removeprefix('missing ')}:[/] {escape(why)}"
        for key, why in scores.attrs.items()
        if key.startswith("missing ")
    ]
    return [table, *missing]


def evenly(rows: Sequence[int]) -> list[int]:
    """At most `SHOWN` of them, from the first to the last.

    >>> evenly(range(100))
    [0, 14, 28, 42, 57, 71, 85, 99]
    """
    import numpy as np

    return [rows[k] for k in np.unique(np.linspace(0, len(rows) - 1, SHOWN).round().astype(int))]


def series_table(
    ds: "xr.Dataset", run: int, rows: Sequence[int], columns: Mapping[str, tuple[str, Any]]
) -> "Table":
    """A run at some of its instants, dates where it has any.

    `columns`: under each header a style, and the text of every instant of `rows`.
    """
    import numpy as np
    from rich import box
    from rich.markup import escape

    from dynlearn.trajectories import schema
    from dynlearn.trajectories.times.instants import iso_dates
    from dynlearn.wide_table import WideTable

    runs = ds["trajectory"].values
    title = f"run {escape(str(runs[run]))}" + (f" (of {len(runs)})" if len(runs) > 1 else "")
    unit, t = schema.time_unit(ds), schema.times_2d(ds)[run][np.asarray(rows, int)]
    dates = iso_dates(t, dict(ds["t"].attrs))
    table = WideTable(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("t" if dates is not None or not unit else f"t ({escape(unit)})", justify="right")
    for header, (style, _) in columns.items():
        table.add_column(header, justify="right", style=style)
    instants = [f"{value:g}" for value in t] if dates is None else list(dates)
    for instant, *cells in zip(instants, *(texts for _, texts in columns.values()), strict=True):
        table.add_row(instant, *cells)
    return table


def headers(ds: "xr.Dataset") -> list[str]:
    """The outputs, each with its unit."""
    from rich.markup import escape

    from dynlearn.trajectories import schema

    pairs = zip(schema.names(ds, "output"), schema.units(ds, "output"), strict=True)
    return [escape(f"{name} ({unit})" if unit else str(name)) for name, unit in pairs]
