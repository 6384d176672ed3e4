"""Arrays of numbers out of what others pass in."""

from typing import Any

import numpy as np

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.message import refusal


def as_numbers(what: str, value: Any, expected: str = "numbers", *, copy: bool = True) -> np.ndarray:
    """`value` as an array of numbers, a copy of it unless told otherwise.

    Raises:
        ArgumentError: text, objects, complex numbers, ragged lists, masked arrays, and tensors that cannot be read.

    >>> as_numbers("action", [1, 2], "two numbers")
    array([1, 2])
    """
    if isinstance(value, np.ma.MaskedArray):
        remedy = "say what the masked values are, e.g. value.filled(numpy.nan) for not measured"
        raise ArgumentError(refusal(what, expected, "a masked array", remedy))
    try:
        array = np.array(value) if copy else np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        came = f"{type(value).__name__} ({error})"
        raise ArgumentError(refusal(what, expected, came, "give an array of numbers")) from error
    if array.dtype.kind not in "biuf":
        remedy = "give an array of numbers, e.g. by numpy.asarray(values, dtype=float) or pandas.to_numeric"
        came = f"dtype {array.dtype}" if isinstance(value, np.ndarray) else f"{value!r:.80}"
        raise ArgumentError(refusal(what, expected, came, remedy))
    return array


def as_float(what: str, values: Any) -> np.ndarray:
    """The same as float32 where it is that already, else as float64; not copied where it is either.

    Raises:
        ArgumentError: as `as_numbers`, and for integers that float64 would round.
    """
    array = as_numbers(what, values, copy=False)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size:
        largest = max(abs(int(array.min())), abs(int(array.max())))
        if largest > 2**53:
            expected = "integers up to 2**53, beyond which float64 does not tell neighbours apart"
            raise ArgumentError(refusal(what, expected, str(largest), "subtract an offset from them"))
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
