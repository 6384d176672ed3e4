"""What this package is built on: `references.bib`, and how parts of it name their sources there.

A source is named by its key, in an attribute `references` of a class or a function:

    references: ClassVar[tuple[str, ...]] = ("chen2018neural",)     of a class; subclasses add theirs
    @property def references(self) -> tuple[str, ...]: ...          of a class, where settings decide
    @cites("pal2023locally")                                        of a function

In place of a key there may stand a whole BibTeX entry, of a source that is not in the file.
"""

import dataclasses
import functools
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from dynlearn.errors import ArgumentError

Function = TypeVar("Function", bound=Callable)

ENTRY = re.compile(r"@\w+\s*\{\s*([^\s,{}]+)\s*,")
"""How an entry begins; its key."""


def cites(*keys: str) -> Callable[[Function], Function]:
    """Name the sources of a function.

    >>> @cites("kutta1901beitrag")
    ... def step(): ...
    >>> sorted(keys_of(step))
    ['kutta1901beitrag']
    """

    def named(function: Function) -> Function:
        function.references = keys  # type: ignore[attr-defined]
        return function

    return named


def keys_of(thing: object, parts: Callable[[Any], Iterable[object]] = lambda node: ()) -> set[str]:
    """The sources that `thing` and all it consists of name.

    Args:
        thing: an object; looked into are fields of dataclasses (modules of equinox are), containers, and what
            partial functions, methods and wrappers such as `jax.jit` hold.
        parts: further ones of a node.
    """
    found: set[str] = set()
    met: dict[int, object] = {}  # alive, so that no two of them share an id
    left = [thing]
    while left:
        node = left.pop()
        if id(node) not in met and not isinstance(node, str | bytes | int | float | type):
            met[id(node)] = node
            found.update(_named(node))
            left.extend((*_inside(node), *parts(node)))
    return found


def bibtex(keys: Iterable[str]) -> str:
    """The entries of these sources, each once and sorted by key, with an empty line between them.

    >>> print(bibtex(["rubinstein2004cross"]))
    @book{rubinstein2004cross,
      author = {Rubinstein, Reuven Y. and Kroese, Dirk P.},
      title = {The Cross-Entropy Method},
      publisher = {Springer},
      year = {2004},
    }
    """
    known, found = entries(), {}
    for key in keys:
        start = ENTRY.match(key.strip())
        if start is None and key not in known:
            raise ArgumentError(
                f"references: expected a key of dynlearn's references.bib or a whole BibTeX entry such as "
                f"'@article{{key, author = ..., title = ..., year = ...}}', got {key!r}; write out the entry."
            )
        name = key if start is None else start.group(1)
        found[name] = known.get(name, key.strip())
    return "\n\n".join(found[name] for name in sorted(found))


@functools.cache
def entries() -> Mapping[str, str]:
    """What is in `references.bib`, by key."""
    text = Path(__file__).with_name("references.bib").read_text(encoding="utf-8")
    starts = list(ENTRY.finditer(text))
    ends = [*(start.start() for start in starts[1:]), len(text)]
    pieces = (text[start.start() : end].strip() for start, end in zip(starts, ends, strict=True))
    return types.MappingProxyType(
        {start.group(1): piece for start, piece in zip(starts, pieces, strict=True)}
    )


def _named(node: object) -> Iterator[str]:
    """By itself, and by the classes that it inherits from. A user's attribute of that name may be anything else."""
    everywhere = [
        getattr(node, "references", ()),
        *(vars(cls).get("references") for cls in type(node).__mro__),
    ]
    for keys in everywhere:
        if isinstance(keys, tuple) and all(isinstance(key, str) for key in keys):
            yield from keys


def _inside(node: Any) -> Iterable[object]:
    if isinstance(node, Mapping):
        return node.values()
    if isinstance(node, tuple | list | set | frozenset):
        return node
    if isinstance(node, functools.partial):
        return node.func, node.args, node.keywords
    if isinstance(node, types.MethodType):
        return node.__func__, node.__self__
    if dataclasses.is_dataclass(node):
        return [getattr(node, field.name, None) for field in dataclasses.fields(node)]
    if callable(node) and hasattr(node, "__wrapped__"):
        return (node.__wrapped__,)
    return ()
