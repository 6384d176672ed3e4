"""Dictionaries: nonlinear features of a delay vector, in which dynamics become linear.

A dictionary lifts v (`embedding`) to z = [v, features(v)]. Because v leads, the outputs are the first
entries of z and are read back exactly.
"""

from collections.abc import Callable

from dynlearn.parts.liftings.delay_coordinates import Delays
from dynlearn.parts.liftings.dictionary import (
    AbstractDictionary,
)
from dynlearn.parts.liftings.fourier import Fourier
from dynlearn.parts.liftings.learned import Learned
from dynlearn.parts.liftings.polynomial import Polynomial
from dynlearn.parts.liftings.radial import Radial

DICTIONARIES: dict[str, Callable[[], AbstractDictionary]] = {
    "identity": lambda: Delays(0),
    "delays": Delays,
    "polynomial": Polynomial,
    "fourier": Fourier,
    "radial": Radial,
    "learned": Learned,
}
