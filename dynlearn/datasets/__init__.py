"""Named datasets: measured series that come with the package, benchmark files, and simulated systems.

`names`, `info` and `load` work by name and do not import JAX; the classes of the simulated systems
(`Linear`, `Pendulum`, `DoubleTank`, `Lorenz63`, `Roessler`, `LotkaVolterra`, `VanDerPol`) are imported when
asked for.
"""

from typing import TYPE_CHECKING

from dynlearn.datasets._registry import info, load, names
from dynlearn.datasets.corpora.corpus import corpus
from dynlearn.datasets.info import Info

if TYPE_CHECKING:
    from dynlearn.datasets.systems import (
        AbstractSystem,
        DoubleTank,
        Linear,
        Lorenz63,
        LotkaVolterra,
        Pendulum,
        Roessler,
        VanDerPol,
    )

SYSTEMS = (
    "AbstractSystem",
    "DoubleTank",
    "Linear",
    "Lorenz63",
    "LotkaVolterra",
    "Pendulum",
    "Roessler",
    "VanDerPol",
)

__all__ = [
    "AbstractSystem",
    "DoubleTank",
    "Info",
    "Linear",
    "Lorenz63",
    "LotkaVolterra",
    "Pendulum",
    "Roessler",
    "VanDerPol",
    "corpus",
    "info",
    "load",
    "names",
]


def __getattr__(name: str) -> object:
    if name in SYSTEMS:
        from dynlearn.datasets import systems

        return getattr(systems, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
