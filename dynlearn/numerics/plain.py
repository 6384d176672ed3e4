"""Settings as plain values: what a compiled program is keyed by, and a file stores."""

import dataclasses
import numbers
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """A number of numpy, or a fraction, as Python's; anything else as it came. The converter of static fields.

    >>> from fractions import Fraction
    >>> plain(np.int64(3)), plain(np.float32(0.5)), plain(Fraction(1, 2)), plain(None)
    (3, 0.5, 0.5, None)
    """
    if isinstance(value, np.generic):
        return value.item()
    return (
        float(value) if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral) else value
    )


def make_plain(settings: Any) -> None:
    """`plain` for every field of a frozen dataclass, from its `__post_init__`."""
    for field in dataclasses.fields(settings):
        object.__setattr__(settings, field.name, plain(getattr(settings, field.name)))
