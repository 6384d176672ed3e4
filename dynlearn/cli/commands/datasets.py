"""dynlearn datasets: what can be loaded by name."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dynlearn.cli.shared import options as o

if TYPE_CHECKING:
    from rich.table import Table


def datasets(
    name: Annotated[str | None, typer.Argument(help="Show this one.", show_default=False)] = None,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write it to a .nc, .zarr or .csv file.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE, an option of the dataset, such as runs=8; repeatable."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="List one kind: measured, benchmark or simulated.")
    ] = None,
) -> None:
    """List the datasets that come with a name, or show and export one."""
    from dynlearn.cli.shared import console, pairs
    from dynlearn.cli.shared.files import check_target, write_dataset
    from dynlearn.datasets import load
    from dynlearn.errors import ArgumentError

    if name is None:
        if export is not None or settings:
            given = "--export" if export is not None else "--set"
            raise ArgumentError(
                f"{given}: expected with the name of a dataset, got none; pass e.g. dynlearn datasets laser."
            )
        console.out().print(_listing(kind))
        return
    check_target("--export", export, o.SERIES)
    console.out().print(_card(name))
    with console.working(f"loading {name}"):
        ds = load(name, **pairs.values("--set", settings))
    console.out().print(ds.dyn.describe())
    if export is not None:
        write_dataset(ds, export)
        console.written(export)


def _listing(kind: str | None) -> "Table":
    from rich.table import Table

    from dynlearn.datasets import info, names

    table = Table(box=None, pad_edge=False, header_style="bold", caption_justify="left")
    for column in ("name", "kind", "description"):
        table.add_column(
            column,
            style="bold cyan" if column == "name" else None,
            no_wrap=column in ("name", "kind"),
            overflow="fold",
        )
    cards = sorted(map(info, names(kind)), key=lambda card: (_ORDER[card.kind], card.name))
    for previous, card in zip([None, *cards], cards, strict=False):
        if previous is not None and previous.kind != card.kind:
            table.add_section()
            table.add_row()
        table.add_row(card.name, card.kind, card.description)
    return table


_ORDER = {"measured": 0, "benchmark": 1, "simulated": 2}


def _card(name: str) -> "Table":
    from rich.table import Table

    from dynlearn.datasets import info

    card = info(name)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    rows = {
        "name": card.name,
        "kind": card.kind,
        "what": card.description,
        "source": card.source,
        "licence": card.licence,
    }
    rows |= {f"sha256 {file}": digest for file, digest in card.sha256.items()}
    for label, value in rows.items():
        table.add_row(label, value)
    return table
