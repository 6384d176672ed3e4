"""The command line `dynlearn`: one file per command, and nothing heavy imported before a command runs."""

from dynlearn.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """The entry point."""
    app(prog_name="dynlearn")
