"""Which benchmarks there are: the modules of this package without a leading underscore."""

import ast
import dataclasses
import importlib
from collections.abc import Callable
from pathlib import Path

from ._rows import Row
from ._settings import Settings

HERE = Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Benchmark:
    name: str
    text: str
    """The docstring: question, protocol, peers, target, seeds."""
    run: Callable[[Settings], list[Row]]

    @property
    def question(self) -> str:
        return self.text.splitlines()[0]


def benchmarks() -> dict[str, Benchmark]:
    """By name. Nothing is imported before a benchmark runs."""
    files = sorted(path for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    return {path.stem: Benchmark(path.stem, _docstring(path), _runner(path.stem)) for path in files}


def _docstring(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not text:
        raise ValueError(f"{path.name}: expected a docstring: question, protocol, peers, target, seeds.")
    return text


def _runner(name: str) -> Callable[[Settings], list[Row]]:
    return lambda settings: importlib.import_module(f".{name}", __package__).run(settings)
