"""A computation as data: nodes that name an operation and refer to one another, and their text form."""

import json
import math
from functools import lru_cache
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.typing import DTypeLike


class Ref(NamedTuple):
    """The value of another node, of an input, a weight or a constant."""

    name: str


class Dtype(NamedTuple):
    """A kind of number; "float" and "int" are whatever the session's default precision makes of them."""

    name: str

    def resolve(self) -> DTypeLike:
        return {"float": jnp.result_type(float), "int": jnp.result_type(int)}.get(self.name, self.name)


class Node(NamedTuple):
    """One operation. Arguments are nested tuples of numbers, strings, None, `Dtype` and `Ref`."""

    name: str
    operation: str
    arguments: tuple
    options: tuple[tuple[str, Any], ...] = ()


class Input(NamedTuple):
    """What one input array has to be."""

    name: str
    shape: tuple[int, ...]
    dtype: Dtype


class Graph(NamedTuple):
    """Inputs, nodes in an order in which they can be computed, and the structure of the outputs."""

    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    output: Any


_RECORDS = {cls.__name__: cls for cls in (Ref, Dtype, Node, Input, Graph)}


def encode(graph: Graph) -> str:
    """The graph as JSON text: hashed once, compared by identity first, written to any file as it is."""
    return json.dumps(_plain(graph), allow_nan=False, separators=(",", ":"))


@lru_cache(maxsize=256)
def decode(text: str) -> Graph:
    """The graph that `encode` wrote."""
    return _record(json.loads(text))


def _plain(value: Any) -> Any:
    """Tuples are lists, records and lists are objects; numbers that JSON cannot write are strings in an object."""
    if type(value).__name__ in _RECORDS and isinstance(value, tuple):
        return {type(value).__name__: [_plain(item) for item in value]}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, list):
        return {"list": [_plain(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[key, _plain(item)] for key, item in value.items()]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def _record(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_record(item) for item in value)
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "float":
        return float(content)
    if kind == "list":
        return [_record(item) for item in content]
    if kind == "dict":
        return {key: _record(item) for key, item in content}
    return _RECORDS[kind](*(_record(item) for item in content))
