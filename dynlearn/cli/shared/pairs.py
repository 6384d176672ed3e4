"""NAME=VALUE on the command line."""

import ast
from collections.abc import Iterable
from typing import Any

from dynlearn.errors import ArgumentError

WORDS: dict[str, Any] = {"none": None, "true": True, "false": False}


def texts(option: str, given: Iterable[str] | None) -> dict[str, str]:
    """From names to what stands behind the first "="; a name may come once.

    >>> texts("--set", ["width=32", "activation=tanh"])
    {'width': '32', 'activation': 'tanh'}
    """
    found: dict[str, str] = {}
    for item in given or ():
        name, equals, value = (part.strip() for part in item.partition("="))
        if not (name and equals and value):
            raise ArgumentError(
                f"{option}: expected NAME=VALUE, got {item!r}; write e.g. {option} {name or 'name'}=1."
            )
        if name in found:
            raise ArgumentError(f"{option}: expected {name!r} once, got it twice; leave one out.")
        found[name] = value
    return found


def values(option: str, given: Iterable[str] | None) -> dict[str, Any]:
    """The same, with the values read as Python literals where they are ones, and as text otherwise.

    >>> values("--set", ["width=32", "ridge=1e-3", "activation=tanh", "hidden=none"])
    {'width': 32, 'ridge': 0.001, 'activation': 'tanh', 'hidden': None}
    """
    return {name: literal(value) for name, value in texts(option, given).items()}


def numbers(option: str, given: Iterable[str] | None) -> dict[str, float]:
    """The same for numbers alone.

    >>> numbers("--target", ["angle=0.5"])
    {'angle': 0.5}
    """
    return {name: number(f"{option} {name}", value) for name, value in texts(option, given).items()}


def number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ArgumentError(f"{option}: expected a number, got {text!r}.") from None


def literal(text: str) -> Any:
    """A number, a truth value, None, a tuple or a quoted text; anything else is text as it stands."""
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
