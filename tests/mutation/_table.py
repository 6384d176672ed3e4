"""What came of the changes, on the screen and as Markdown."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ._change import Change
from ._copy import Ran


class Tried(NamedTuple):
    change: Change
    ran: Ran

    @property
    def survived(self) -> bool:
        return self.ran.code == 0

    @property
    def broken(self) -> bool:
        """Whether no test was run to its end: the change says nothing then."""
        return self.ran.code not in (-1, 0, 1)

    @property
    def verdict(self) -> str:
        if self.survived:
            return "SURVIVED"
        return f"BROKEN: {self.ran.failed}" if self.broken else self.ran.failed


def show(tried: Sequence[Tried]) -> None:
    table = Table("folder", "change", "noticed by", "s", caption=_caption(tried))
    for change, ran in tried:
        found = Tried(change, ran)
        verdict = escape(found.verdict)
        verdict = f"[bold red]{verdict}[/]" if found.survived or found.broken else verdict
        table.add_row(change.folder, change.name, verdict, f"{ran.seconds:.0f}")
    Console(width=None if Console().is_terminal else 200).print(table)


def page(tried: Sequence[Tried]) -> str:
    rows = [f"| {t.change.folder} | {t.change.name} | {t.verdict} | {t.ran.seconds:.0f} |" for t in tried]
    head = ["| folder | change | noticed by | s |", "|---|---|---|---|"]
    return "\n".join([_caption(tried), "", *head, *rows, ""])


def _caption(tried: Sequence[Tried]) -> str:
    broken = sum(each.broken for each in tried)
    also = f" {broken} could not be tried." if broken else ""
    return f"{sum(each.survived for each in tried)} of {len(tried)} changes survive.{also}"
