"""What functions and classes are made of: their code, what it speaks of, and whose they are."""

import dis
import functools
import hashlib
import sys
import sysconfig
import types
from collections import namedtuple
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LIBRARIES = {
    "dynlearn",
    "equinox",
    "diffrax",
    "jax",
    "jaxlib",
    "jaxtyping",
    "numpy",
    "optax",
    "scipy",
    "torch",
}
"""Their functions are what their names say; with a release they may change, but not between two fits of one user."""
PACKAGES = sysconfig.get_path("purelib")
SLOTS = (
    types.MemberDescriptorType,
    types.GetSetDescriptorType,
    types.DynamicClassAttribute,
    type(vars(namedtuple("_", "a"))["a"]),
)
"""Descriptors that give access to an instance's values, and hold none."""


def of_a_library(module: str | None) -> bool:
    root = str(module).partition(".")[0]
    return root in LIBRARIES or root in sys.stdlib_module_names - {"__main__"}


def installed(module: str) -> bool:
    """Of a library, or of any other package that pip put where it puts them: no place for a user's constants."""
    root = module.partition(".")[0]
    file = getattr(sys.modules.get(root), "__file__", None)
    return of_a_library(root) or (file is not None and Path(file).is_relative_to(PACKAGES))


def defined(cls: type) -> Iterable[tuple[str, Any]]:
    """Methods, properties and values that stand in a class; of what Python itself keeps there, `__call__`."""
    for name, value in vars(cls).items():
        hidden = name.startswith("__") and name.endswith("__") and name != "__call__"
        if hidden or name.startswith("_abc_") or isinstance(value, SLOTS):
            continue
        if isinstance(value, staticmethod | classmethod):
            value = value.__func__
        elif isinstance(value, property):
            value = (value.fget, value.fset)
        elif isinstance(value, functools.cached_property):
            value = value.func
        yield name, value


def outer(function: types.FunctionType) -> Iterable[tuple[str, Any]]:
    """What the function, or one inside it, reads of its module, and the modules that it imports itself."""
    for code in _codes(function.__code__):
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval in function.__globals__:
                yield step.argval, function.__globals__[step.argval]
            elif step.opname == "IMPORT_NAME":
                beside = f"{function.__globals__.get('__package__')}.{step.argval}"
                yield from ((m, sys.modules[m]) for m in (step.argval, beside) if m in sys.modules)


def names(code: types.CodeType) -> set[str]:
    """Names, attributes among them, that the code and the functions inside it speak of."""
    return {name for each in _codes(code) for name in each.co_names}


def _codes(code: types.CodeType) -> Iterable[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def digest_of(code: types.CodeType) -> str:
    """Digest of what a function does: its instructions, names and constants; not where it stands in its file."""
    constants = [digest_of(c) if isinstance(c, types.CodeType) else _constant(c) for c in code.co_consts]
    return digest(code.co_code + repr((code.co_names, code.co_varnames, constants)).encode())


def _constant(value: object) -> str:
    return repr(sorted(map(repr, value)) if isinstance(value, frozenset) else value)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
