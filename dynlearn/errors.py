"""The errors a user meets: each says what was expected, what came, and what to do."""

import math
import numbers
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TypeGuard


class DynlearnError(ValueError):
    """Base of every error this package raises on purpose."""


class SchemaError(DynlearnError):
    """A dataset does not obey the trajectory schema (`docs/schema.md`)."""


class ArgumentError(DynlearnError):
    """An argument is unknown, out of range, or does not fit the others."""


class FileFormatError(DynlearnError):
    """A file is damaged, of another version, or not one of ours."""


class MissingFileError(FileFormatError, FileNotFoundError):
    """There is no file where one was to be read."""


class WriteError(DynlearnError, OSError):
    """A file cannot be written: the disk is full, or the folder is read-only."""


class FitError(DynlearnError):
    """A fit cannot start, or produced nothing that can be used."""


class DivergedError(DynlearnError):
    """A rollout left the finite numbers."""


class MissingExtraError(DynlearnError, ImportError):
    """A part of the package needs a library that is not installed."""


def in_short(error: Exception) -> str:
    """What another library's error says, as one part of a sentence: its kind, and its first line if it has any.

    >>> in_short(KeyError("a")), in_short(RuntimeError())
    ("KeyError: 'a'", 'RuntimeError')
    """
    return ": ".join([type(error).__name__, *str(error).splitlines()[:1]])[:300].rstrip(".")


def unknown(kind: str, name: object, valid: Iterable[object]) -> str:
    """The sentence for a name that is not known: the nearest valid one first, then all of them.

    >>> unknown("planner", "CME", ["CEM", "MPPI"])
    "unknown planner 'CME'; did you mean 'CEM'? Valid: 'CEM', 'MPPI'."
    """
    names = [str(v) for v in valid]
    lowered = {n.lower(): n for n in names}
    near = [n for n in names if n.lower() == str(name).lower()] or [
        lowered[match] for match in get_close_matches(str(name).lower(), list(lowered), n=1, cutoff=0.5)
    ]
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"unknown {kind} {str(name)!r}{hint} Valid: {', '.join(map(repr, names)) or 'none'}."


def check_known(kind: str, names: Iterable[object], valid: Iterable[object]) -> None:
    """Raise `ArgumentError` for the first of `names` that is not among `valid`."""
    valid = list(valid)
    for name in names:
        if name not in valid:
            raise ArgumentError(unknown(kind, name, valid))


def is_count(value: object, at_least: int) -> TypeGuard[int]:
    """Whether `value` is an integer (of Python, numpy, ...; no bool) of at least that size.

    >>> is_count(3, 1), is_count(True, 1), is_count(3.0, 1)
    (True, False, False)
    """
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and int(value) >= at_least


def is_number(value: object) -> TypeGuard[float]:
    """Whether `value` is a real number (of Python, numpy, ...; no bool), finite or not.

    >>> is_number(3), is_number(0.5), is_number(True), is_number("3")
    (True, True, False, False)
    """
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_number(where: str, name: str, value: object) -> None:
    """Raise `ArgumentError` unless `value` is a finite number >= 0."""
    if not is_number(value) or not 0 <= value < math.inf:
        raise ArgumentError(f"{where}: expected {name} to be a number >= 0, got {value!r}.")


def check_count(name: str, value: object, at_least: int) -> int:
    """`value` as an int; raise `ArgumentError` unless it is an integer of at least that size."""
    if not is_count(value, at_least):
        raise ArgumentError(f"{name}: expected an integer >= {at_least}, got {value!r}.")
    return int(value)
