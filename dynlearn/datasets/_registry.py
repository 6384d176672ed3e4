"""All named datasets: one table, three verbs."""

import importlib
import inspect
from collections.abc import Callable

import xarray as xr

from dynlearn.datasets import _simulated, benchmarks
from dynlearn.datasets import shipped_series as _shipped
from dynlearn.datasets.info import KINDS, Info
from dynlearn.errors import ArgumentError, check_known, unknown


def names(kind: str | None = None) -> tuple[str, ...]:
    """The names that `load` knows, of one kind or all.

    Args:
        kind: "measured", "benchmark" or "simulated"; None for all.

    Returns:
        The names in alphabetical order.

    Raises:
        ArgumentError: an unknown kind.

    >>> names("measured")
    ('co2', 'elnino', 'gait', 'laser', 'pv_module')
    """
    if kind is not None:
        check_known("kind of dataset", [kind], KINDS)
    return tuple(sorted(name for name, card in INFOS.items() if kind in (None, card.kind)))


def info(name: str) -> Info:
    """The card of a dataset: what it is, where it is from, under which licence.

    Args:
        name: one of `names()`.

    Returns:
        An `Info`.

    Raises:
        ArgumentError: an unknown name; the nearest one is named.

    >>> info("laser").licence[:3]
    'MIT'
    """
    _check_name(name)
    return INFOS[name]


def load(name: str, **options: object) -> xr.Dataset:
    """A named dataset under the trajectory schema.

    Args:
        name: one of `names()`.
        options: a simulated system takes those of its constructor and of `simulate`; some benchmarks take a
            few of their own (see `help(dynlearn.datasets.benchmarks.<name>.load)`); a measured series takes none.

    Returns:
        The runs, with names, units and, of a simulated system, the true states.

    Raises:
        ArgumentError: an unknown name or option, with the nearest one; a benchmark's file that is absent and cannot be
            downloaded by a program, with the place to get it from and the environment variable to set.
        FileFormatError: a file that is not the expected one; a download that fails, with the same advice.

    >>> load("laser").sizes["time"]
    10093
    >>> load("lorenz63", runs=2, length=50, rho=20.0).sizes["trajectory"]
    2
    """
    _check_name(name)
    loader, valid = _loader(name, INFOS[name].kind)
    for option in options:
        if option not in valid:
            taken = unknown(f"option of load({name!r})", option, valid)
            raise ArgumentError(
                taken if valid else f"load({name!r}): expected no options, got {option!r}; leave it out."
            )
    return loader(**options)


INFOS: dict[str, Info] = {
    card.name: card for card in (*_shipped.INFOS, *(b.INFO for b in benchmarks.ALL), *_simulated.INFOS)
}


def _check_name(name: object) -> None:
    if name not in INFOS:
        raise ArgumentError(unknown("dataset", name, names()))


def _loader(name: str, kind: str) -> tuple[Callable[..., xr.Dataset], list[str]]:
    """The function that loads, and the names of its options."""
    if kind == "simulated":
        return _simulated.loader(name)
    if kind == "measured":
        return lambda: _shipped.load(name), []
    function = importlib.import_module(f"dynlearn.datasets.benchmarks.{name}").load
    return function, list(inspect.signature(function).parameters)
