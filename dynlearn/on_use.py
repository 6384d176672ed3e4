"""Names that are imported when first used, so that a script pays only for what it calls."""

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from dynlearn.errors import unknown


def names_of(package: str, where: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package, from each public name to the module that has it (or is it)."""

    def find(name: str) -> Any:
        if name not in where:
            if name.startswith("__"):
                raise AttributeError(f"module {package!r} has no attribute {name!r}")
            raise AttributeError(f"{package}: {unknown('name', name, sorted(where))}")
        module = import_module(where[name])
        found = getattr(module, name, module)
        setattr(sys.modules[package], name, found)  # asked once
        return found

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *where})

    return find, names


class Table(Mapping[str, Any]):
    """Classes by name, each imported when it is asked for: from a name to "module:class"."""

    def __init__(self, where: Mapping[str, str]):
        self._where = dict(where)

    def __getitem__(self, name: str) -> Any:
        module, _, found = self._where[name].partition(":")
        return getattr(import_module(module), found)

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)

    def lists(self, cls: type) -> bool:
        """Whether `cls` is in the table; nothing is imported to know."""
        return f"{cls.__module__}:{cls.__qualname__}" in self._where.values()
