"""The progress bar of a fit: share done, loss, validation score, time left."""

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dynlearn.fitting.session import Report


@contextmanager
def bar(title: str, total: int) -> Iterator[Report]:
    """A line on standard error that is rewritten in place."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[numbers]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr)) as progress:
        task = progress.add_task(title, total=total, numbers="")

        def report(done: int, **numbers: float) -> None:
            shown = "  ".join(
                f"{name} {value:.4g}" for name, value in numbers.items() if not math.isnan(value)
            )
            progress.update(task, completed=done, numbers=shown)

        yield report


@contextmanager
def silent(title: str, total: int) -> Iterator[Report]:
    yield lambda done, **numbers: None
