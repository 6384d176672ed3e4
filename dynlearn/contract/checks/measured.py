"""How often each output was measured, and what that allows."""

import numpy as np
import xarray as xr

from dynlearn.errors import FitError
from dynlearn.trajectories import schema
from dynlearn.trajectories.device.blocks import blocks
from dynlearn.trajectories.device.complete import in_a_row

FEWEST = 10
"""Measured values per output without which no spread can be estimated."""
PER_COEFFICIENT = 5
"""Measured values for every coefficient of an output: with fewer, the noise that is left over looks too small."""


def counts(ds: xr.Dataset) -> dict[str, int]:
    """Measured values of every output."""
    parts = blocks(ds.sizes["trajectory"], ds.sizes["time"])
    dims = "trajectory", "time"
    found = np.sum([ds["output"].isel(trajectory=runs).notnull().sum(dims).values for runs in parts], axis=0)
    return dict(zip(schema.names(ds, "output"), map(int, found), strict=True))


def check_measured(where: str, ds: xr.Dataset, coefficients: int = 0) -> None:
    """Raise for an output about which `ds` says too little to be honest, by name.

    `coefficients`: how many each output has to itself.
    """
    needed = max(FEWEST, PER_COEFFICIENT * coefficients)
    found = counts(ds)
    kept = [name for name, count in found.items() if count >= needed]
    remedy = f"leave it out by ds.sel(output_name={kept})" if kept else "give data in which some output is"
    for name, count in found.items():
        if count == 0:
            raise FitError(f"{where}: output {name!r} was never measured; {remedy}.")
        if count < needed:
            own = f" (of which each output has {coefficients} coefficients)" if coefficients else ""
            less = ", take fewer states" if needed > FEWEST else ""
            out = f", or {remedy}" if kept else ""
            raise FitError(
                f"{where}: output {name!r} was measured {count} times, this model needs {needed} values{own}; give "
                f"more data{less}{out}."
            )


def longest_complete(ds: xr.Dataset) -> int:
    """The longest stretch of samples of a run at which every output was measured."""
    y = ds["output"].transpose("trajectory", "time", "output_name").values
    return int(in_a_row(np.isfinite(y).all(-1)).max(initial=0))


def without_gaps(ds: xr.Dataset, samples: int) -> str:
    """What helps a model that needs so many complete samples in a row: longer runs only where no gap is in the way."""
    if int(schema.run_lengths(ds).max()) < samples:
        return f"give runs of at least {samples} samples"
    return (
        "fill the gaps first by dl.impute with a fitted state-space model, or take a model that needs no complete "
        "samples, such as LinearStateSpace"
    )


def fewer_delays(ds: xr.Dataset, delays: int) -> str:
    """The remedies where `delays` need more complete samples in a row than `ds` has."""
    longest = longest_complete(ds)
    fewer = f"use delays={longest - 2} or fewer, " if 2 <= longest < delays + 2 else ""
    return fewer + ("or " * bool(fewer)) + without_gaps(ds, delays + 2) + "." + sparse(ds)


def sparse(ds: xr.Dataset) -> str:
    """A sentence about the output that was measured least, where it was less than half as often as another."""
    found = counts(ds)
    name = min(found, key=lambda name: found[name])
    if 2 * found[name] >= max(found.values()):
        return ""
    kept = [other for other in found if other != name]
    samples = int(schema.run_lengths(ds).sum())
    return (
        f" Output {name!r} was measured at {found[name]} of {samples} samples: leave it out by "
        f"ds.sel(output_name={kept}), or take a model that needs no complete samples, such as LinearStateSpace."
    )
