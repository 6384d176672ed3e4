"""The changes, one file per folder of the package."""

import importlib
from pathlib import Path

from .._change import Change

FILES = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")

CHANGES: list[Change] = [
    change for name in FILES for change in importlib.import_module(f".{name}", __package__).CHANGES
]
