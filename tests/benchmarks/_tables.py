"""Rows as a table for people."""

import math

from rich import box
from rich.console import Console
from rich.table import Table

from ._registry import Benchmark
from ._rows import Row

COLUMNS = ("name", "value", "unit", "spread", "peer", "peer value", "ratio", "target", "met", "note")
MET = {True: "yes", False: "NO", None: ""}


def cells(row: Row) -> list[str]:
    spread = row.spread
    across = (
        f"{number(spread['minimum'])} to {number(spread['maximum'])} (n={spread['repeats']})"
        if spread
        else ""
    )
    target = "" if row.target is None else str(row.target)
    ratio = "" if row.ratio is None else number(row.ratio)
    values = [row.name, number(row.value), row.unit, across, row.peer or ""]
    peer_value = "" if row.peer is None else number(row.peer_value)
    return [*values, peer_value, ratio, target, MET[row.met], row.note]


def number(value: float | None) -> str:
    """Four significant digits; a dash where there is none.

    >>> number(0.123456), number(1234567.0), number(None)
    ('0.1235', '1.235e+06', '–')
    """
    return "–" if value is None or math.isnan(value) else f"{value:.4g}"


def show(benchmark: Benchmark, rows: list[Row], console: Console) -> None:
    title = f"[bold]{benchmark.name}[/]: {benchmark.question}"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    used = [i for i, name in enumerate(COLUMNS) if i < 2 or any(cells(row)[i] for row in rows)]
    for i in used:
        numeric = COLUMNS[i] in ("value", "peer value", "ratio")
        table.add_column(COLUMNS[i], justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        style = "red" if row.met is False else None
        table.add_row(*[cells(row)[i] for i in used], style=style)
    console.print(table)
