"""The demo's progress: numbered stages, each with a spinner or a bar of its own, and how long it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console


class Stages:
    """`with stages("Fit"):` announces a stage, shows that it is going on, and remembers its seconds."""

    def __init__(self, console: Console, total: int):
        self.console, self.total = console, total
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, title: str, own_bar: bool = False) -> Iterator[None]:
        """`own_bar`: what happens inside shows its own progress."""
        started = time.perf_counter()
        number = f"[dim]{len(self.seconds) + 1:>2}/{self.total}[/]"
        if own_bar:
            self.console.print(f"{number} [bold]{title}[/]")
        with nullcontext() if own_bar else self.console.status(f"{number} {title} ..."):
            yield
        self.seconds[title] = time.perf_counter() - started
        self.console.print(f"{number} [green]✓[/] {title} [dim]{self.seconds[title]:.1f} s[/]")
