"""Arrays of numbers out of what others pass in."""

from typing import Any

import numpy as np

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.message import refusal


def as_numbers(what: str, value: Any, expected: str) -> np.ndarray:
    """A copy of `value` as an array of numbers.

    **Raises** `ArgumentError` for text, objects, ragged lists, masked arrays, tensors that cannot be read.

    >>> as_numbers("action", [1, 2], "two numbers")
    array([1, 2])
    """
    if isinstance(value, np.ma.MaskedArray):
        raise ArgumentError(refusal(what, expected, "a masked array", "fill it: value.filled(numpy.nan)"))
    try:
        array = np.array(value)
    except (ValueError, TypeError, RuntimeError) as error:
        came = f"{type(value).__name__} ({error})"
        raise ArgumentError(refusal(what, expected, came, "give an array of numbers")) from error
    if array.dtype.kind not in "biuf":
        raise ArgumentError(refusal(what, expected, f"{value!r:.80}", "give an array of numbers"))
    return array
