"""The table of operations, and how a function enters it."""

from collections.abc import Callable
from typing import Any

OPERATIONS: dict[str, Callable[..., Any]] = {}
"""ATen name, overload included, to a function with the arguments of its ATen schema.

A float becomes the session's default float. Keyword-only arguments that say where and how memory is laid
out (device, layout, ...) never arrive here: they are dropped when a module is lowered.
"""


def operation(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function under each of `names`, without their prefix "aten."."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            if f"aten.{name}" in OPERATIONS:
                raise KeyError(f"aten.{name} is in the table already")
            OPERATIONS[f"aten.{name}"] = function
        return function

    return enter


def alias(function: Callable[..., Any], *names: str) -> None:
    """Enter a function of JAX as it is: same arguments, same meaning, same derivative."""
    operation(*names)(function)
