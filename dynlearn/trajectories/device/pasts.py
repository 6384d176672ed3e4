"""The past of each run, as a model reads it."""

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Int

from dynlearn.numerics.buckets import up
from dynlearn.trajectories.device.to_device import on_host
from dynlearn.trajectories.window import Window


def pasts(ds: xr.Dataset, now: Int[np.ndarray, " run"], memory: int) -> Window:
    """The last `memory` samples up to index `now` of each run, and copies of the first up to a size of a few.

    Cut on the host, so that neither the length of the context nor, up to the next size, the number of its runs
    needs a program of its own.
    """
    runs = on_host(ds)
    rows = np.concatenate([np.arange(now.size), np.zeros(up(now.size) - now.size, int)])
    index = now[rows, None] + np.arange(1 - memory, 1)
    at = rows[:, None], np.clip(index, 0, runs.valid.shape[1] - 1)
    valid = runs.valid[at] & (index >= 0) & (index < runs.valid.shape[1])
    dtype = jnp.result_type(float)
    return Window(
        time=jnp.asarray(runs.time[at], dtype),
        interval=jnp.asarray(np.where(valid, runs.interval[at], 0), dtype),
        output=jnp.asarray(np.where(valid[..., None], runs.output[at], 0), dtype),
        observed=jnp.asarray(runs.observed[at] & valid[..., None]),
        control=jnp.asarray(np.where(valid[..., None], runs.control[at], 0), dtype),
        valid=jnp.asarray(valid),
        static=jnp.asarray(runs.static[rows], dtype),
    )
