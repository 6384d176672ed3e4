"""Training data without the white noise on them, for models that data force."""

import numpy as np
import xarray as xr

from dynlearn.identification.smoothing import smoothed
from dynlearn.trajectories import schema


def denoised(ds: xr.Dataset) -> tuple[xr.Dataset, dict[str, float]]:
    """Regularly sampled runs with every output smoothed, and the noise's deviation of each, 0 where none was seen.

    What was not measured stays so. Data that force a model are put in the place of its state: their noise would be
    noise in its inputs, under which a regression shrinks towards no dynamics at all.
    """
    output = ds["output"].transpose("trajectory", "time", "output_name")
    values = output.values.astype(float)
    levels = {}
    for j, name in enumerate(schema.names(ds, "output")):
        where = [(i, piece) for i in range(len(values)) for piece in _measured(values[i, :, j])]
        found, levels[name] = smoothed([values[i, piece, j] for i, piece in where])
        for (i, piece), smooth in zip(where, found, strict=True):
            values[i, piece, j] = smooth
    return ds.assign(output=output.copy(data=values.astype(output.dtype))), levels


def _measured(values: np.ndarray) -> list[slice]:
    """Stretches of consecutive measured samples."""
    there = np.concatenate([[False], np.isfinite(values), [False]])
    edges = np.flatnonzero(there[1:] != there[:-1])
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
