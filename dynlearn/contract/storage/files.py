"""Models in files: one archive, versioned, without pickle."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from dynlearn.contract.foreign import Foreign, as_model
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.signature import Signature
from dynlearn.contract.storage._wellformed import check_wellformed
from dynlearn.disk import archive
from dynlearn.errors import ArgumentError, FileFormatError, in_short
from dynlearn.numerics.activations import ACTIVATIONS, portable

KIND, VERSION = "dynlearn model", 4
ROOMS = ("contract", "parts", "models", "filtering", "solvers", "programs", "numerics")
"""Packages of ours whose classes a model is made of: imported when a file names one of them."""


def save(model: AbstractModel | Foreign, path: str | os.PathLike) -> None:
    """Write `model` to one file: its structure as JSON, its arrays bit for bit.

    Works for any composition of Equinox modules whose activations have names
    (`dynlearn.models` networks, ensembles, models of your own). The file is written whole or not at all.

    Args:
        model: fitted or not; one of another framework is written as its twin.
        path: where to; a file that is there already is replaced.

    Raises:
        ArgumentError: what is no model, holds a NaN or a function without a name, or could not be loaded again.
        WriteError: the disk is full, or may not be written to.

    >>> import dynlearn as dl, tempfile, pathlib
    >>> ds = dl.datasets.load("linear", runs=2, length=30, key=0)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "arx.dyn"
    >>> dl.save(dl.models.ARX.from_data(ds), path)
    >>> type(dl.load(path)).__name__
    'ARX'
    """
    model = as_model(model)
    if not isinstance(model, AbstractModel):
        raise ArgumentError(
            f"save: expected a model, got {type(model).__name__}; a fit's model is result.model."
        )
    arrays: list[np.ndarray] = []
    content = _encode(model, arrays, "model")
    try:
        check_wellformed(model)
    except Exception as error:
        why = str(error) if isinstance(error, ArgumentError) else in_short(error)
        raise ArgumentError(f"save: this model could not be loaded again: {why}") from error
    archive.write(path, KIND, VERSION, content, arrays)


def load(path: str | os.PathLike) -> AbstractModel:
    """Read a model that `save` wrote. Nothing in the file is executed, and nothing imported that is not ours.

    Args:
        path: a file that `save` wrote.

    Returns:
        The model, with its arrays bit for bit as they were.

    Raises:
        FileFormatError: and nothing else, whatever came: a missing, damaged, foreign or other-version file,
            one whose parts do not make a model, and a model whose class is not imported.

    >>> import dynlearn as dl, tempfile, pathlib
    >>> ds = dl.datasets.load("linear", runs=2, length=30, key=0)
    >>> model = dl.models.ARX.from_data(ds, delays=1)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "arx.dyn"
    >>> dl.save(model, path)
    >>> bool((dl.load(path).weights == model.weights).all())
    True
    """
    content, arrays = archive.read(path, KIND, VERSION)
    # Whatever a description that is no model's makes the code below say, it is said in one sentence.
    try:
        model = _decode(content, arrays, str(path))
        if not isinstance(model, AbstractModel):
            raise FileFormatError(f"{path}: expected a model, found {type(model).__name__}.")
        check_wellformed(model)
    except FileFormatError:
        raise
    except Exception as error:
        raise FileFormatError(
            f"{path}: its description of the model is damaged, or not of this release ({in_short(error)}); "
            f"save it again."
        ) from error
    return model


def _encode(node: Any, arrays: list[np.ndarray], where: str) -> Any:
    if isinstance(node, jax.Array | np.ndarray) and not jnp.issubdtype(node.dtype, jax.dtypes.extended):
        arrays.append(np.asarray(node))
        return {"array": len(arrays) - 1}
    if isinstance(node, eqx.Module | Signature):
        fields = {
            f.name: _encode(getattr(node, f.name), arrays, f"{where}.{f.name}")
            for f in dataclasses.fields(node)
        }
        return {"class": _name(type(node)), "fields": fields}
    if type(node) in (tuple, list):
        items = [_encode(item, arrays, f"{where}[{i}]") for i, item in enumerate(node)]
        return {type(node).__name__: items}
    if isinstance(node, np.generic):
        node = node.item()
    if node is None or isinstance(node, bool | int | float | str):
        return node
    name = getattr(portable(node), "__name__", None)
    if name is not None and ACTIVATIONS.get(name) is portable(node):
        return {"function": name}
    raise ArgumentError(
        f"save: {where} is {node!r:.80}, which has no name to be written by: a file takes modules, arrays, numbers, "
        f"text, tuples and lists. Make a function of your own an "
        f"equinox.Module with a __call__, defined in a module that is imported before loading; an activation is one of "
        f"{sorted(ACTIVATIONS)}."
    )


def _decode(node: Any, arrays: list[np.ndarray], path: str) -> Any:
    if not isinstance(node, dict):
        if isinstance(node, list):
            raise TypeError("a list that is not said to be one")
        return node
    if node.keys() == {"class", "fields"}:
        return _rebuild(node, arrays, path)
    ((kind, content),) = node.items()
    if kind == "array":
        if type(content) is not int or content < 0:
            raise TypeError(f"array {content!r}")
        return _device(arrays[content], path)
    if kind == "function":
        return ACTIVATIONS[content]
    return {"tuple": tuple, "list": list}[kind](_decode(item, arrays, path) for item in content)


def _rebuild(node: dict, arrays: list[np.ndarray], path: str) -> Any:
    """An instance with exactly the stored fields; constructors are not run."""
    _import_ours(node["class"])
    cls = {_name(c): c for c in _known_classes()}.get(node["class"])
    if cls is None:
        raise FileFormatError(
            f"{path}: holds a {node['class']!r}, which is not known here; import the module that defines it first."
        )
    expected = {f.name for f in dataclasses.fields(cls)}
    if set(node["fields"]) != expected:
        raise FileFormatError(
            f"{path}: {node['class']} has fields {sorted(expected)} here and {sorted(node['fields'])} in the file; "
            f"open it with the dynlearn release that wrote it."
        )
    instance: Any = object.__new__(cls)
    for name, value in node["fields"].items():
        object.__setattr__(instance, name, _decode(value, arrays, path))
    return instance


def _device(array: np.ndarray, path: str) -> jax.Array:
    """In the session's default precision if that is higher: nothing is rounded, and all parts agree."""
    default = jnp.result_type(float)
    narrow = jnp.issubdtype(array.dtype, jnp.floating) and array.dtype.itemsize < default.itemsize
    result = jnp.asarray(array, default) if narrow else jnp.asarray(array)
    if not narrow and result.dtype != array.dtype:
        raise FileFormatError(
            f"{path}: holds {array.dtype} arrays, which this session would round to {result.dtype}; "
            f"call jax.config.update('jax_enable_x64', True) first."
        )
    return result


def _import_ours(name: str) -> None:
    """Import the module of a class of ours; what a class is not found in, is said by the caller."""
    module = name.rpartition(".")[0]
    parts = module.split(".")
    if parts[0] == "dynlearn" and len(parts) > 1 and parts[1] in ROOMS and all(map(str.isidentifier, parts)):
        with contextlib.suppress(ModuleNotFoundError):
            import_module(module)


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _known_classes() -> Iterator[type]:
    """Every Equinox module class imported so far."""
    yield Signature
    waiting = [eqx.Module]
    while waiting:
        for child in waiting.pop().__subclasses__():
            yield child
            waiting.append(child)
