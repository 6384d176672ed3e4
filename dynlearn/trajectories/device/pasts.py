"""Windows cut on the host: neither the length of the runs nor, up to a few sizes, their number needs a program."""

import numpy as np
import xarray as xr
from jaxtyping import Int

from dynlearn.numerics.buckets import up
from dynlearn.trajectories.device.to_device import OnHost, on_host, placed
from dynlearn.trajectories.window import Window


def pasts(ds: xr.Dataset, now: Int[np.ndarray, " run"], memory: int) -> Window:
    """The last `memory` samples up to index `now` of each run, and copies of the first up to a size of a few."""
    rows = np.concatenate([np.arange(now.size), np.zeros(up(now.size) - now.size, int)])
    return placed(cut_many(on_host(ds), rows, now[rows], memory, 0))


def cut_many(
    runs: OnHost, run: Int[np.ndarray, " window"], now: Int[np.ndarray, " window"], past: int, future: int
) -> OnHost:
    """As `cut` of many windows: `past` samples up to index `now` of a run, and `future` after it."""
    index = now[:, None] + np.arange(1 - past, future + 1)
    length = runs.valid.shape[1]
    at = run[:, None], np.clip(index, 0, length - 1)
    valid = runs.valid[at] & (index >= 0) & (index < length)
    return OnHost(
        time=runs.time[at],
        interval=np.where(valid, runs.interval[at], 0),
        output=np.where(valid[..., None], runs.output[at], 0),
        observed=runs.observed[at] & valid[..., None],
        control=np.where(valid[..., None], runs.control[at], 0),
        valid=valid,
        static=runs.static[run],
    )
