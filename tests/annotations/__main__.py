"""The demo's path and a tour over every family, while every annotation of the package is checked.

    python -m tests.annotations          a row of every family
    python -m tests.annotations --all    every row of the table of models

A process of its own, because the hook has to be there before the package is, and because the rest of the suite
passes what is wrong on purpose, which the hook refuses before the package does. Annotations are read while a program
is traced; so most of the tour is traced and never compiled.
"""

import pkgutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from jaxtyping import install_import_hook

UNCHECKED = ("cli", "__main__")
"""Typer's annotations describe options; it passes objects of other classes."""


def hook(typechecker: str = "typeguard.typechecked") -> None:
    where = find_spec("dynlearn").submodule_search_locations
    parts = [part.name for part in pkgutil.iter_modules(where) if part.name not in UNCHECKED]
    install_import_hook([f"dynlearn.{part}" for part in parts], typechecker)


def main() -> int:
    hook()
    from tests.annotations import tour
    from tests.demo_path import demo_path

    with tempfile.TemporaryDirectory() as folder:
        stops: dict[str, Callable[[], object]] = {
            "the hook is there": tour.refused,
            "demo": lambda: demo_path(Path(folder)),
            **tour.stops(every_row="--all" in sys.argv),
        }
        wrong = [name for name, stop in stops.items() if not went_well(name, stop)]
    print(f"{len(stops)} stops, {len(wrong)} with an annotation that is not true: {wrong}")
    return 1 if wrong else 0


def went_well(name: str, stop: Callable[[], object]) -> bool:
    try:
        stop()
    except Exception:
        print(f"--- {name}\n{traceback.format_exc(limit=-4):.4000}")
        return False
    return True


if __name__ == "__main__":
    raise SystemExit(main())
