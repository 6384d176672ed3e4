"""Runs as subspace identification takes them: numpy arrays in scaled units, without padding."""

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float

from dynlearn.contract.scaling import Scaling
from dynlearn.errors import FitError
from dynlearn.trajectories.device.fold import compact
from dynlearn.trajectories.window import Window

Series = list[Float[np.ndarray, "_ _"]]


def series(
    scaling: Scaling, groups: Sequence[Window], which: Sequence[np.ndarray]
) -> tuple[Series, Series | None]:
    """Scaled outputs (NaN where not measured) and controls of every run, without the padding, in the data's order.

    `which`: the places of their runs in the data.
    """
    order = np.argsort(np.concatenate(which))
    outputs, controls = zip(*(run for runs in groups for run in _series(scaling, runs)), strict=True)
    varied = controls[0].shape[-1] > 0
    return [outputs[i] for i in order], [controls[i] for i in order] if varied else None


def _series(scaling: Scaling, runs: Window) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    y = np.where(runs.observed, scaling.on_host().output(runs.output), np.nan)
    u, valid = scaling.on_host().control(runs.control), np.asarray(runs.valid)
    for i, inside in enumerate(valid):
        yield y[i][inside], u[i][inside]


def check_varied(ds: xr.Dataset) -> None:
    """Raise where no output ever changes: nothing moves a state then."""
    ds = compact(ds)
    spread = ds["output"].max(("trajectory", "time")) - ds["output"].min(("trajectory", "time"))
    if not (spread > 0).any():
        names = [str(name) for name in ds["output_name"].values]
        raise FitError(
            f"outputs: {names} never change, so nothing moves a state; give runs in which they do."
        )
