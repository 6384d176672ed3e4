"""Within one public call, what is found out about a dataset is found out once."""

import functools
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

import xarray as xr

Function = TypeVar("Function", bound=Callable)

LARGEST = 2**22
"""Bytes of a dataset up to which a call keeps copies of it."""
_FOUND: ContextVar[dict[tuple, tuple[weakref.ref, Any]] | None] = ContextVar("found", default=None)
"""What the call that is under way has found: by function, dataset and arguments."""


def one_call(verb: Function) -> Function:
    """`verb`, as one look at its datasets: functions marked `once` are called once for each of them.

    The user may change a dataset between two calls, not during one. A verb that calls another shares its look.
    """

    @functools.wraps(verb)
    def called(*args: Any, **kwargs: Any) -> Any:
        if _FOUND.get() is not None:
            return verb(*args, **kwargs)
        token = _FOUND.set({})
        try:
            return verb(*args, **kwargs)
        finally:
            _FOUND.reset(token)

    return called  # type: ignore[return-value]


def once(function: Function) -> Function:
    """A function of a dataset (its first argument) and of what can be a key, remembered while a call is under way."""

    @functools.wraps(function)
    def asked(*args: Any, **kwargs: Any) -> Any:
        found = _FOUND.get()
        if found is None:
            return function(*args, **kwargs)
        ds, *others = args
        name = (function, id(ds), *others, *sorted(kwargs.items()))
        # Of a dataset that is gone another one may have the id.
        if name not in found or found[name][0]() is not ds:
            found[name] = weakref.ref(ds), function(*args, **kwargs)
        return found[name][1]

    asked.once = function  # type: ignore[attr-defined]
    found: Any = asked
    return found


def once_where_small(function: Function) -> Function:
    """As `once`, for what is as large as the dataset: remembered only up to `LARGEST`."""
    kept = once(function)

    @functools.wraps(function)
    def asked(*args: Any, **kwargs: Any) -> Any:
        ds: Any = args[0]
        return (kept if ds.nbytes <= LARGEST else function)(*args, **kwargs)

    return asked  # type: ignore[return-value]


def known(function: Callable, ds: xr.Dataset, result: Any) -> Any:
    """Tell the call under way what `function(ds)` is, because of how `ds` was made."""
    found = _FOUND.get()
    if found is not None:
        found[(function.once, id(ds))] = weakref.ref(ds), result  # type: ignore[attr-defined]
    return result
