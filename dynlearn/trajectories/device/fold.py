"""Runs of very unequal length as pieces of similar length: the same samples with little padding."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from dynlearn.trajectories.device.ragged import is_ragged
from dynlearn.trajectories.once import once_where_small
from dynlearn.trajectories.schema import run_lengths
from dynlearn.trajectories.verbs.gather import gather

KINDS = ("output", "control", "static")


class Folded(NamedTuple):
    ds: xr.Dataset
    """Outputs, controls and static features, a piece per run; the dataset as it came where that gains nothing."""
    run: np.ndarray
    """The place in the dataset of the run that each piece is of."""
    first: np.ndarray
    last: np.ndarray
    """Which pieces their run begins with, and which it ends with."""


@once_where_small
def folded(ds: xr.Dataset, overlap: int) -> Folded:
    """The runs of a ragged dataset cut into pieces that have `overlap` samples in common with the next one.

    Every stretch of `overlap + 1` samples of a run lies in exactly one piece, so that what is computed
    of all such stretches is the same, in the same order. Runs with little padding stay as they are.

    >>> from dynlearn.trajectories import from_arrays
    >>> ds = from_arrays([np.arange(70_000.0), np.arange(3.0), np.arange(3.0), np.arange(3.0), np.arange(3.0)], dt=1.0)
    >>> pieces = folded(ds, overlap=1)
    >>> dict(pieces.ds.sizes), int(pieces.first.sum()), int(pieces.last.sum())
    ({'trajectory': 551, 'time': 129, 'output_name': 1}, 5, 5)
    """
    lengths = run_lengths(ds)
    if not is_ragged(lengths):
        every = np.ones(lengths.size, bool)
        return Folded(ds, np.arange(lengths.size), every, every)
    stride = _stride(lengths, overlap)
    counts = _counts(lengths, overlap, stride)
    rows = np.repeat(np.arange(lengths.size), counts)
    number = np.arange(rows.size) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = number * stride
    size = np.minimum(lengths[rows] - starts, stride + overlap)
    kinds = [kind for kind in KINDS if kind in ds]
    pieces = gather(ds[kinds], rows, starts, size, np.arange(rows.size))
    return Folded(pieces, rows, number == 0, number == counts[rows] - 1)


def compact(ds: xr.Dataset) -> xr.Dataset:
    """Every sample once, with little padding: for what is computed of values whatever run they are of."""
    return folded(ds, 0).ds


def recent(ds: xr.Dataset, memory: int) -> xr.Dataset:
    """The last `memory` samples of every run of a ragged dataset; other runs stay as they are."""
    lengths = run_lengths(ds)
    if not is_ragged(lengths):
        return ds
    size = np.minimum(lengths, memory)
    kinds = [kind for kind in KINDS if kind in ds]
    return gather(ds[kinds], np.arange(lengths.size), lengths - size, size, ds["trajectory"].values)


def _counts(lengths: np.ndarray, overlap: int, stride: int) -> np.ndarray:
    """Pieces of every run."""
    return np.maximum(1, -(-(lengths - overlap) // stride))


def _stride(lengths: np.ndarray, overlap: int) -> int:
    """The power of two from one piece to the next with which the padded pieces are smallest."""
    tried = 2 ** np.arange(int(lengths.max()).bit_length() + 1)
    sizes = [
        _counts(lengths, overlap, s).sum() * min(s + overlap, int(lengths.max())) for s in tried.tolist()
    ]
    return int(tried[np.argmin(sizes)])
