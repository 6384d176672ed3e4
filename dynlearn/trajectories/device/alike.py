"""Runs of very unequal length in groups of similar length, for what has to see every run whole."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr

from dynlearn.trajectories.device.fold import KINDS
from dynlearn.trajectories.device.ragged import groups, is_ragged
from dynlearn.trajectories.device.to_device import to_device
from dynlearn.trajectories.schema import run_lengths

if TYPE_CHECKING:
    from dynlearn.trajectories.window import Window


class Alike(NamedTuple):
    which: np.ndarray
    """The places of these runs in the dataset."""
    ds: xr.Dataset
    """Their outputs, controls and static features, padded to the longest of them."""


def alike(ds: xr.Dataset) -> list[Alike]:
    """The runs of a ragged dataset in a few groups with little padding; other runs are one group, the dataset itself.

    >>> from dynlearn.trajectories import from_arrays
    >>> ds = from_arrays([np.zeros(3), np.zeros(70_000), np.zeros(2), np.zeros(3), np.zeros(1)], dt=1.0)
    >>> [(group.which.tolist(), group.ds.sizes["time"]) for group in alike(ds)]
    [([0, 2, 3, 4], 3), ([1], 70000)]
    """
    lengths = run_lengths(ds)
    if not is_ragged(lengths):
        return [Alike(np.arange(lengths.size), ds)]
    kinds = ds[[kind for kind in KINDS if kind in ds]]
    found = []
    for which in groups(lengths):
        longest = int(lengths[which].max())
        found.append(Alike(which, kinds.isel(trajectory=which, time=slice(0, longest))))
    return found


def on_device(ds: xr.Dataset) -> list[tuple[np.ndarray, "Window"]]:
    """The groups as windows, beside the places of their runs in the dataset."""
    return [(group.which, to_device(group.ds)) for group in alike(ds)]
