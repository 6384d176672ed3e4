"""The commands under one roof, and what becomes of an error."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dynlearn.cli import demo
from dynlearn.cli.commands import (
    compare,
    control,
    datasets,
    evaluate,
    filter,
    fit,
    forecast,
    identify,
    impute,
    pretrain,
    smooth,
)
from dynlearn.cli.shared import console
from dynlearn.errors import DynlearnError

EXPECTED = (DynlearnError, OSError)
"""What a user can put right: one line says how. Anything else is a bug and shows where it happened."""


class Commands(TyperGroup):
    """A group whose commands end an expected error in one line on standard error and exit code 2."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # --debug may stand anywhere on the line, as long as it stands before a lone "--".
        end = args.index("--") if "--" in args else len(args)
        if "--debug" in args[:end]:
            args = ["--debug", *(a for i, a in enumerate(args) if a != "--debug" or i > end)]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except EXPECTED as error:
            if ctx.params.get("debug"):
                raise
            console.fail(error)
            raise typer.Exit(2) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with [bold]dynlearn demo[/], or [bold]dynlearn datasets[/] and "
    "[bold]dynlearn fit laser -o model.dyn[/].",
)


@app.callback()
def root(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=lambda v: _version(v), is_eager=True
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; anywhere on the line.")
    ] = False,
) -> None:
    """Learn dynamical systems from data: fit them, forecast with honest uncertainty, control with them."""


def _version(wanted: bool) -> None:
    if wanted:
        from dynlearn.version import VERSION

        typer.echo(f"dynlearn {VERSION}")
        raise typer.Exit


app.command()(demo.demo)
app.command()(datasets.datasets)
app.command()(fit.fit)
app.command()(identify.identify)
app.command()(forecast.forecast)
app.command()(filter.filter)
app.command()(smooth.smooth)
app.command()(impute.impute)
app.command()(evaluate.evaluate)
app.command()(compare.compare)
app.command()(control.control)
app.command()(pretrain.pretrain)
