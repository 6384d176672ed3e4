"""What decides where a fit ends, as names and values: by it a checkpoint knows its own fit."""

import dataclasses
import enum
import functools
import types
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr

from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError
from dynlearn.fitting.checkpoint._definitions import (
    defined,
    digest,
    digest_of,
    installed,
    names,
    of_a_library,
    outer,
)

Identity = dict[str, str]
SHOWN = 3
"""Differences a refusal names."""


def identity(
    model: AbstractModel,
    method: object,
    objective: object,
    key: jax.Array,
    train: xr.Dataset,
    validation: xr.Dataset | None,
    carried: object = None,
) -> Identity:
    """Structure and start values of the model, settings of the method, the objective with all it holds, key, data.

    Of a fit that goes on from another one also what that `carried`.
    """
    found: Identity = {}
    parts = {"model": model, "method": method, "objective": objective, "key": key}
    if carried is not None:
        parts["carried"] = carried
    for name, part in {**parts, "train": train, "validation": validation}.items():
        _Describer(found).describe(part, name)
    return found


def difference(there: Mapping[str, object], here: Identity) -> str:
    """What differs, in words; empty where nothing does."""
    names = [name for name in {**here, **there} if there.get(name) != here.get(name)]
    names.sort(
        key=lambda name: "sha256" in str(here.get(name))
    )  # what has a name of its own before mere numbers
    # Where a whole is another one, its parts go without saying.
    names = [name for name in names if not any(name.startswith(f"{whole}.") for whole in names)]
    told = [_told(name, there.get(name), here.get(name)) for name in names[:SHOWN]]
    return "; ".join(told) + (f"; and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _told(name: str, there: object, here: object) -> str:
    if there is None or here is None:
        return f"{name} is {there or 'not'} there and {here or 'not'} here"
    first, second = (str(value).partition(", sha256 ") for value in (there, here))
    if first[0] == second[0] and first[1]:
        return f"{name} ({first[0]}) holds other values"
    return f"{name} is {first[0]:.80} there and {second[0]:.80} here"


class _Describer:
    """Walks an object; `found` maps where it went to what it met."""

    def __init__(self, found: Identity):
        self.found = found
        self.met: dict[int, str] = {}
        self.kept: list[Any] = []  # alive, so that no two of them share an id

    def describe(self, node: Any, where: str) -> None:
        if isinstance(node, np.generic):
            node = node.item()
        if node is None or isinstance(node, bool | int | float | complex | str | bytes | enum.Enum):
            self.found[where] = repr(node)
        elif isinstance(node, jax.Array) and jax.dtypes.issubdtype(node.dtype, jax.dtypes.prng_key):
            self.found[where] = f"{jax.random.key_data(node).tolist()}"
        elif isinstance(node, jax.Array | np.ndarray):
            self.found[where] = _array(np.asarray(node))
        elif id(node) in self.met:
            self.found[where] = f"the same as {self.met[id(node)]}"
        else:
            self.met[id(node)] = where
            self.kept.append(node)
            self._composed(node, where)

    def _composed(self, node: Any, where: str) -> None:
        if isinstance(node, xr.Dataset):
            self.found[where] = "a dataset"
            self._all({str(name): node[name].values for name in sorted(map(str, node.variables))}, where)
        elif isinstance(node, tuple | list | set | frozenset):
            items = sorted(node, key=repr) if isinstance(node, set | frozenset) else node
            self.found[where] = f"{type(node).__name__} of {len(node)}"
            self._all({str(i): item for i, item in enumerate(items)}, where)
        elif isinstance(node, Mapping):
            self.found[where] = f"{type(node).__name__} of {len(node)}"
            self._all({repr(k): v for k, v in node.items()}, where)
        elif isinstance(node, types.ModuleType):
            self.found[where] = f"module {node.__name__}"
        elif isinstance(node, type):
            self._class(node, where)
        elif isinstance(node, types.CodeType):
            self.found[where] = f"code {node.co_name}, sha256 {digest_of(node)}"
        elif isinstance(node, types.FunctionType):
            self._function(node, where)
        elif isinstance(node, types.MethodType):
            self._all({"function": node.__func__, "self": node.__self__}, where)
        elif isinstance(node, functools.partial):
            self._all({"function": node.func, "arguments": node.args, "keywords": node.keywords}, where)
        elif hasattr(node, "__wrapped__") and callable(node):
            # What jax.jit and the like return.
            self.found[where] = type(node).__name__
            self.describe(node.__wrapped__, f"{where}.function")
        elif isinstance(node, types.BuiltinFunctionType | np.ufunc):
            self.found[where] = repr(node.__name__)
        else:
            self._object(node, where)

    def _all(self, parts: Mapping[str, Any] | Iterable[tuple[str, Any]], where: str) -> None:
        for name, part in dict(parts).items():
            self.describe(part, f"{where}.{name}")

    def _object(self, node: Any, where: str) -> None:
        if dataclasses.is_dataclass(node):
            parts = {f.name: getattr(node, f.name) for f in dataclasses.fields(node)}
        elif hasattr(node, "__dict__"):
            parts = vars(node)
        elif not repr(node).startswith("<"):
            self.found[where] = repr(node)
            return
        else:
            raise ArgumentError(
                f"checkpoint: {where} is {node!r:.80}, and what it holds cannot be told, so a fit with another "
                f"one could not be kept apart; make it a function or an equinox.Module, or leave checkpoint out."
            )
        self._class(type(node), where)
        self._all(parts, where)

    def _class(self, cls: type, where: str) -> None:
        """By name, and with what it and the classes it inherits from define; an instance's own values come after."""
        self.found[where] = f"{cls.__module__}.{cls.__qualname__}"
        for base in cls.__mro__ if not of_a_library(cls.__module__) else ():
            if base is cls or not installed(base.__module__):
                self._all(defined(base), where if base is cls else f"{where}.{base.__qualname__}")

    def _function(self, node: types.FunctionType, where: str) -> None:
        self.found[where] = f"{node.__module__}.{node.__qualname__}"
        spoken = names(node.__code__)
        if not of_a_library(node.__module__):
            self.found[f"{where} (its code)"] = f"code, sha256 {digest_of(node.__code__)}"
            for name, value in outer(node):
                self._read(value, f"{where}.{name}", spoken)
        defaults = dict(enumerate(node.__defaults__ or ())) | (node.__kwdefaults__ or {})
        self._all({f"default {name}": value for name, value in defaults.items()}, where)
        for name, cell in zip(node.__code__.co_freevars, node.__closure__ or (), strict=True):
            try:
                held = cell.cell_contents
            except ValueError:  # not yet assigned
                continue
            self._read(held, f"{where}.{name}", spoken)

    def _read(self, node: Any, where: str, names: set[str], inside: tuple = ()) -> None:
        """What a function that speaks of `names` finds in `node`: of a user's module what has one of them."""
        if not isinstance(node, types.ModuleType) or installed(node.__name__) or node in inside:
            self.describe(node, where)
            return
        self.found[where] = f"module {node.__name__}"
        for name in sorted(names & vars(node).keys()):
            self._read(vars(node)[name], f"{where}.{name}", names, (*inside, node))


def _array(array: np.ndarray) -> str:
    data = array.tobytes() if array.dtype.kind in "fiubc" else repr(array.tolist()).encode()
    return f"{array.dtype}{list(array.shape)}, sha256 {digest(data)}"
