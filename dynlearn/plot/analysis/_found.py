"""What the figures of an analysis share: its result, checked, and labels of outputs."""

from typing import Any

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError, check_known
from dynlearn.plot.shared import style
from dynlearn.plot.shared.data import as_list
from dynlearn.plot.shared.labels import with_unit

REST = "#A7ACB4"
"""What there are too many of for colours of their own."""


def checked(found: Any, verb: str, *variables: str) -> xr.Dataset:
    """What `dl.analysis.verb` returned."""
    if not isinstance(found, xr.Dataset) or not set(variables) <= set(found.data_vars):
        came = (
            f"a dataset with {sorted(map(str, found))}"
            if isinstance(found, xr.Dataset)
            else type(found).__name__
        )
        raise ArgumentError(f"{verb}: expected what dl.analysis.{verb} returns, got {came:.120}.")
    return found


def outputs_of(found: xr.Dataset, outputs: Any, most: int) -> list[str]:
    """The outputs asked for; the first `most` by default."""
    names = [str(name) for name in found["output_name"].values]
    wanted = names[:most] if outputs is None else as_list(outputs)
    check_known("output", wanted, names)
    if not 1 <= len(wanted) <= most:
        raise ArgumentError(f"outputs: expected one to {most} of {names}, got {wanted}.")
    return wanted


def label(found: xr.Dataset, name: str) -> str:
    """An output with its unit."""
    if "output_unit" not in found.coords:
        return name
    names = [str(n) for n in found["output_name"].values]
    return with_unit(name, str(found["output_unit"].values[names.index(name)]))


def colors(count: int) -> list[str]:
    """One for each of the first few, grey for the others."""
    return [*style.PALETTE, *[REST] * count][:count]


def runs_of(found: xr.Dataset, variable: str, names: list[str]) -> list[np.ndarray]:
    """`(run, step)` of each output."""
    table = found[variable].transpose("trajectory", "step", "output_name")
    return [table.sel(output_name=name).values for name in names]
