"""dynlearn demo: the whole way once, on real input, in a few minutes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.panel import Panel

    from dynlearn.cli.demo.settings import Settings


def demo(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the report and everything it was made from.")
    ] = Path("dynlearn-demo"),
    quick: Annotated[
        bool, typer.Option("--quick", help="Tiny sizes: shows that everything works, not how well.")
    ] = False,
) -> None:
    """Fit two families to a measured series, swing up a learned pendulum, and write a report."""
    from rich.text import Text

    from dynlearn.cli.demo.settings import FULL, QUICK
    from dynlearn.cli.demo.stages import Stages
    from dynlearn.cli.shared import console
    from dynlearn.errors import ArgumentError

    if out.exists() and not out.is_dir():
        raise ArgumentError(f"--out: expected a folder, got the file {str(out)!r}; choose another name.")
    out.mkdir(parents=True, exist_ok=True)
    settings = QUICK if quick else FULL
    screen = console.out()
    screen.print(_intro(settings, out, quick))
    stages = Stages(screen, 7 + sum(2 + len(one.families) for one in settings.measured))

    with stages("Import JAX, matplotlib and the rest"):
        from dynlearn.cli.demo import measured, page, pendulum
    series_results = [measured.run(one, settings.key, out, stages) for one in settings.measured]
    swing_up = pendulum.run(settings.pendulum, settings.key, out, stages)
    with stages("Write the report"):
        path = page.build(settings, series_results, swing_up, stages.seconds, out)
    screen.print()
    for result in series_results:
        measured.show(result, screen)
    pendulum.show(swing_up, screen)
    minutes, seconds = divmod(round(sum(stages.seconds.values())), 60)
    screen.print(f"\nDone in {minutes} min {seconds:02d} s. Open the report in a browser:")
    screen.print(Text(path.as_uri(), style="bold cyan underline"), soft_wrap=True)


def _intro(settings: "Settings", out: Path, quick: bool) -> "Panel":
    """What is going to happen."""
    from rich.panel import Panel
    from rich.table import Table

    series = " and ".join(measured.series for measured in settings.measured)
    rows = (
        f"Two model families learn a measured series ([bold]{series}[/]) and forecast its future.",
        "An ensemble learns a pendulum from random torques; a planner swings it up with it.",
        f"Everything goes into one page: [bold]{out / 'report.html'}[/]",
    )
    table = Table.grid(padding=(0, 2))
    for number, row in enumerate(rows, 1):
        table.add_row(f"[bold cyan]{number}[/]", row)
    minutes = "under a minute" if quick else "about three minutes on two cores"
    return Panel(table, title=f"dynlearn demo, {minutes}", title_align="left", border_style="cyan")
