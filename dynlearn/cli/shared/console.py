"""Where output goes: results to standard output, what is going on and what went wrong to standard error."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text


def out() -> Console:
    return Console()


def err() -> Console:
    return Console(stderr=True)


def fail(error: BaseException) -> None:
    """One red line; a terminal may wrap it, nothing else does."""
    if isinstance(error, OSError) and error.filename is not None:
        message = f"{error.filename}: {error.strerror}"
    else:
        message = str(error)
    text = Text.assemble(("error: ", "bold red"), (" ".join(message.split()), "red"))
    err().print(text, soft_wrap=True)


def written(path: Path) -> None:
    """Say that a file is there."""
    out().print(Text.assemble("written: ", (str(path), "bold")), soft_wrap=True)


@contextmanager
def working(what: str) -> Iterator[None]:
    """A spinner beside `what` while something without a progress bar of its own is going on."""
    with err().status(f"{what} ..."):
        yield
