"""Scores on the terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table


def score_tables(scores: "xr.Dataset", output: str | None = None) -> "list[Table | str]":
    """The summary; of one output where `output` says so. What kept a baseline out is said below it."""
    from rich import box
    from rich.markup import escape

    from dynlearn.evaluation import rich_table

    table = rich_table(scores, output)
    table.box, table.caption_justify = box.SIMPLE_HEAD, "left"
    table.title_justify = "left"
    for column in table.columns[1:]:
        # Eight columns have to fit where a terminal has 80.
        column.header = str(column.header).replace("coverage", "covered\n") + " %" * (
            "coverage" in str(column.header)
        )
    table.columns[0].no_wrap, table.pad_edge = True, False
    missing = [
        f"[yellow]no {key.removeprefix('missing ')}:[/] {escape(why)}"
        for key, why in scores.attrs.items()
        if key.startswith("missing ")
    ]
    return [table, *missing]
