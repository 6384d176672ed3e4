"""The public callables of the package, properties among them, and what their docstrings hold."""

import ast
import enum
import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import equinox as eqx

PACKAGES = {
    "dynlearn": "dynlearn",
    "dynlearn.models": "dynlearn.models",
    "dynlearn.models.structural": "dynlearn.models.linear.structural",
    "dynlearn.models.dictionaries": "dynlearn.parts.liftings.dictionaries",
    "dynlearn.fitting": "dynlearn.fitting",
    "dynlearn.inference": "dynlearn.inference",
    "dynlearn.analysis": "dynlearn.analysis",
    "dynlearn.forecasting": "dynlearn.forecasting",
    "dynlearn.evaluation": "dynlearn.evaluation",
    "dynlearn.evaluation.reconstruction": "dynlearn.evaluation.reconstruction",
    "dynlearn.control": "dynlearn.control",
    "dynlearn.rl": "dynlearn.rl",
    "dynlearn.solvers": "dynlearn.solvers",
    "dynlearn.plot": "dynlearn.plot",
    "dynlearn.report": "dynlearn.report",
    "dynlearn.torch": "dynlearn.torch",
    "dynlearn.datasets": "dynlearn.datasets",
    "dynlearn.trajectories": "dynlearn.trajectories",
    "dynlearn.disk": "dynlearn.disk",
}
"""From the name that a user writes to the module behind it."""

SECTIONS = ("Args", "Returns", "Raises", "Reference", "References")
"""The headings, in the order in which they stand."""
HEADING = re.compile(rf"^({'|'.join(SECTIONS)}):(?=\s|$)", re.MULTILINE)
OTHER_STYLE = re.compile(
    r"\*\*(?:(?:Args|Other args|Arguments|Parameters|Returns|Examples?|References?)\b[^*\n]*|[Rr]aises)\*\*"
    r"|^\s*(?:Arguments|Parameters|Attributes|Return|Yields|Throws|Examples?|Notes?):\s*$"
    r"|^\s*(?:Parameters|Returns|Raises|Examples)\n\s*-{3,}"
    r"|^\s*Raises `",
    re.MULTILINE,
)
"""Headings in bold, of other names, underlined, or a sentence in place of a section."""
ENTRY = re.compile(r"^    ((?:\w+, )*\w+):", re.MULTILINE)
BUILDERS = ("__init__", "__check_init__", "__post_init__")


@dataclass(frozen=True)
class Public:
    """One public callable: a function, a class, or a method of a public class."""

    name: str
    """As a user writes it, such as `dynlearn.control.MPC.act`."""
    kind: str
    """"function", "class", "abstract" (abstract classes, protocols, enumerations), "method" or "property"."""
    object: Any
    owner: type | None = None
    overrides: bool = False
    """Whether a base class of ours has the method too, whose docstring says what it takes and gives."""

    @property
    def is_class(self) -> bool:
        return self.kind in ("class", "abstract")

    @functools.cached_property
    def doc(self) -> str:
        """The docstring, a method's inherited one where it has none of its own."""
        if self.owner is None:
            return inspect.cleandoc(vars(self.object).get("__doc__") or self.object.__doc__ or "")
        name = self.name.rpartition(".")[2]
        docs = (_function(vars(c)[name]).__doc__ for c in self.owner.__mro__ if name in vars(c))
        return inspect.cleandoc(next(filter(None, docs), ""))

    @functools.cached_property
    def sections(self) -> dict[str, str]:
        """The text under each heading, in their order: to the next line that is not indented, for a source to the
        end of its paragraph."""
        found = {}
        for heading in HEADING.finditer(self.doc):
            text = self.doc[heading.end() :]
            end = r"\n\s*\n" if heading[1].startswith("Reference") else r"\n(?=\S)"
            found[heading[1]] = re.split(end, text, maxsplit=1)[0]
        return found

    @functools.cached_property
    def parameters(self) -> list[str]:
        """The names of the arguments that a caller passes."""
        if self.kind == "property" or (self.kind == "abstract" and not _takes_arguments(self.object)):
            return []
        skipped = {"self", "cls"} if self.kind == "method" else set()
        names = inspect.signature(self.object).parameters
        return [name for name in names if name not in skipped and not name.startswith("_")]

    @functools.cached_property
    def unnamed(self) -> list[str]:
        """Parameters of which nothing is said.

        An entry of `Args:` says it, for a class that of the class, of its `__init__` or of a base, or the docstring
        of the field; for a method that is described in a line also its name in backquotes.
        """
        told = set(_entries(self.sections.get("Args", "")))
        if self.is_class:
            for base in _ours(self.object):
                told |= set(_described_fields(base))
                for text in (vars(base).get("__doc__"), getattr(vars(base).get("__init__"), "__doc__", "")):
                    told |= set(_entries(Public("", "function", _Text(text)).sections.get("Args", "")))
        if self.kind == "method":
            told |= set(re.findall(r"`\**(\w+)`", self.doc))
        return [name for name in self.parameters if name not in told]

    @property
    def has_example(self) -> bool:
        return ">>> " in self.doc

    @property
    def has_source(self) -> bool:
        return "Reference" in self.sections or "References" in self.sections

    @property
    def gives_something(self) -> bool:
        if self.is_class or self.kind == "property":
            return False
        returned = inspect.signature(self.object).return_annotation
        return returned not in (None, "None")

    @functools.cached_property
    def raises(self) -> bool:
        """Whether its own lines raise an error, for a class those that build it."""
        if not self.is_class:
            return _has_raise(self.object)
        if not _takes_arguments(self.object):
            return False
        return any(_has_raise(vars(self.object)[name]) for name in BUILDERS if name in vars(self.object))

    @property
    def named_errors(self) -> list[str]:
        return _entries(self.sections.get("Raises", ""))


@dataclass(frozen=True)
class _Text:
    """What has a docstring and nothing else."""

    text: str | None

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return self.text


def _entries(section: str) -> list[str]:
    return [name for entry in ENTRY.findall(section) for name in entry.split(", ")]


def _ours(cls: type) -> list[type]:
    return [base for base in cls.__mro__ if base.__module__.startswith("dynlearn")]


def _described_fields(cls: type) -> Iterator[str]:
    """The fields of a class that a docstring follows."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and is_text:
            yield field.target.id


def _has_raise(function: Callable) -> bool:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(_function(function))))
    except OSError:
        return False  # an `__init__` that a dataclass was given
    return any(isinstance(node, ast.Raise) for node in ast.walk(tree))


def _function(member: Any) -> Any:
    """The plain function behind what stands in a class."""
    if isinstance(member, property):
        return member.fget
    if isinstance(member, functools.cached_property):
        return member.func
    return inspect.unwrap(getattr(member, "__func__", getattr(member, "method", member)))


def _is_property(member: object) -> bool:
    return isinstance(member, property | functools.cached_property)


def _is_abstract(cls: type) -> bool:
    """Whether nobody makes one of these: no example can be given."""
    is_listed = issubclass(cls, enum.Enum | eqx.Enumeration)
    return inspect.isabstract(cls) or is_listed or getattr(cls, "_is_protocol", False)


def _takes_arguments(cls: type) -> bool:
    return not getattr(cls, "_is_protocol", False) and not issubclass(cls, enum.Enum | eqx.Enumeration)


def _members(where: str, cls: type) -> Iterator[Public]:
    """The public methods and properties of a class, each as its nearest definition."""
    for name in dict.fromkeys(name for base in _ours(cls) for name in vars(base)):
        found = [vars(base)[name] for base in _ours(cls) if name in vars(base)]
        member = _function(found[0])
        if not name.startswith("_") and inspect.isfunction(member):
            kind = "property" if _is_property(found[0]) else "method"
            yield Public(f"{where}.{name}", kind, member, cls, len(found) > 1)


@functools.cache
def public() -> tuple[Public, ...]:
    """Every public callable once, under its first name."""
    found: dict[int, Public] = {}
    for package, place in PACKAGES.items():
        module = import_module(place)
        names = getattr(module, "__all__", None) or [
            n for n in vars(module) if inspect.isclass(vars(module)[n])
        ]
        for name in names:
            thing, where = getattr(module, name), f"{package}.{name}"
            if id(thing) in found:
                continue
            if inspect.isfunction(thing):
                found[id(thing)] = Public(where, "function", thing)
            elif inspect.isclass(thing) and thing.__module__.startswith("dynlearn"):
                found[id(thing)] = Public(where, "abstract" if _is_abstract(thing) else "class", thing)
                for member in _members(where, thing):
                    found.setdefault(id(member.object), member)
    return tuple(found.values())
