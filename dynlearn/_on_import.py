"""Do something when a package is imported, without importing it oneself."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any


def on_import(name: str, action: Callable[[], Any]) -> None:
    """Call `action` once `name` has been imported: now if it has been, else right after it is."""
    if name in sys.modules:
        action()
    else:
        sys.meta_path.insert(0, _Watcher(name, action))


class _Watcher(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands first in line to find `name`, lets the usual finders do it, and adds the action."""

    def __init__(self, name: str, action: Callable[[], Any]):
        self.name, self.action = name, action
        self.loader: Any = None

    def find_spec(
        self, fullname: str, path: Iterable[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None:
            self.loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # From here on the module looks as if it had been loaded without us: its resources are found by its loader.
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        self.action()
