"""Where free runs start: instants spread over the runs of a dataset, with what was recorded around each."""

import dataclasses
from typing import Self

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int

from dynlearn.errors import ArgumentError
from dynlearn.trajectories import schema
from dynlearn.trajectories.verbs.gather import gather


@dataclasses.dataclass(frozen=True)
class Starts:
    """Windows of `context + ahead` samples, one per start; the start is the last sample of the context."""

    windows: xr.Dataset
    row: Int[np.ndarray, " start"]
    """Which run each was cut from."""
    first: Int[np.ndarray, " start"]
    """Index there of the first sample after the start."""
    context: int

    @classmethod
    def spread(cls, name: str, ds: xr.Dataset, count: int, context: int, ahead: int, required: int) -> Self:
        """`count` instants, evenly spaced among all that have `context` samples before and `ahead` after.

        Among those without a gap from the last `required` samples on, where there are as many of these.
        """
        lengths = schema.run_lengths(ds)
        row = np.repeat(np.arange(lengths.size), np.maximum(lengths - context - ahead + 1, 0))
        if not row.size:
            raise ArgumentError(
                f"{name}: no run holds the {context} + {ahead} samples of a context and a free run (discard and "
                f"length), the longest has {int(lengths.max())}; shorten length= or context=, or give longer runs."
            )
        # Within a run 0, 1, 2, ..
        first = context + np.arange(row.size) - np.searchsorted(row, row)
        whole = _whole(ds, row, first - required, first + ahead)
        if whole.sum() >= count:
            row, first = row[whole], first[whole]
        if row.size < count:
            raise ArgumentError(
                f"{name}: {count} starts were asked for, there are {row.size} instants with {context} samples "
                f"before and {ahead} after them; ask for fewer starts=, or shorten length= or context=."
            )
        chosen = np.linspace(0, row.size - 1, count).round().astype(int)
        row, first = row[chosen], first[chosen]
        ids = schema.run_ids(ds)
        names = [f"{ids[i]}/{k}" for i, k in zip(row, first, strict=True)]
        cut = gather(ds, row, first - context, np.full(count, context + ahead), names)
        return cls(cut, row, first, context)

    @property
    def recorded(self) -> Float[np.ndarray, "start lead output"]:
        """What was measured after each start, NaN where nothing was; in float64."""
        found = self.windows["output"].transpose("trajectory", "time", "output_name")
        return found.values[:, self.context :].astype(float)

    @property
    def elapsed(self) -> Float[np.ndarray, "start lead"]:
        t = schema.times_2d(self.windows)
        return t[:, self.context :] - t[:, self.context - 1, None]

    def meets(self, one: int, length: int) -> Bool[np.ndarray, " start"]:
        """Which windows of `length` samples share some with that of start `one`."""
        return (self.row == self.row[one]) & (np.abs(self.first - self.first[one]) < length)


def _whole(ds: xr.Dataset, row: np.ndarray, begin: np.ndarray, end: np.ndarray) -> Bool[np.ndarray, " start"]:
    """Whether every output was measured at the samples `begin` to `end` of run `row`."""
    y = ds["output"].transpose("trajectory", "time", "output_name").values
    gaps = np.cumsum(np.isnan(y).any(axis=-1), axis=1)
    gaps = np.pad(gaps, ((0, 0), (1, 0)))
    return gaps[row, end] == gaps[row, begin]
