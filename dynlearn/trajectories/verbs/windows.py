"""Windows: every stretch of a given length, as a run of its own."""

import numpy as np
import xarray as xr

from dynlearn.errors import check_count
from dynlearn.trajectories.schema import run_ids, run_lengths, strings
from dynlearn.trajectories.verbs.gather import gather
from dynlearn.trajectories.verbs.select import nonempty


def windows(ds: xr.Dataset, length: int, stride: int = 1, *, short: str = "error") -> xr.Dataset:
    """A dataset whose runs are the windows of `length` samples, `stride` samples apart, of every run.

    The id of a window is "run/start" (its first sample counted from 0), and the coordinate `source`
    holds the id of the run it was cut from. Samples after the last whole window are left out. Values
    are copied (`length / stride` times the data), except where they are lazy.

    Args:
        ds: trajectories under the schema.
        length: of a window, in samples.
        stride: from the start of a window to that of the next, in samples.
        short: what to do with a run shorter than `length`: "error", or "drop" it.

    >>> from dynlearn.trajectories import from_arrays
    >>> cut = windows(from_arrays(np.arange(5.0), dt=1.0), length=3, stride=2)
    >>> cut.trajectory.values.tolist(), cut["output"].values[..., 0].tolist()
    (['0/0', '0/2'], [[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]])
    """
    for what, value in (("length", length), ("stride", stride)):
        check_count(what, value, 1)
    counts = (run_lengths(ds) - length) // stride + 1
    rows = nonempty(ds, counts, f"a window of {length} samples", short)
    rows = np.repeat(rows, counts[rows])
    starts = np.concatenate([np.arange(count) * stride for count in counts if count > 0])
    ids = run_ids(ds)
    cut = gather(
        ds,
        rows,
        starts,
        np.full(len(rows), length),
        [f"{ids[i]}/{k}" for i, k in zip(rows, starts, strict=True)],
    )
    return cut.assign_coords(source=("trajectory", _source(ds, rows)))


def _source(ds: xr.Dataset, rows: np.ndarray) -> np.ndarray:
    """The run that every window comes from; windows of windows keep the first origin."""
    values = ds["source"].values if "source" in ds.coords else ds["trajectory"].values
    return values[rows] if values.dtype.kind in "iu" else strings(values[rows])
