"""Runs as subspace identification takes them: numpy arrays in scaled units, without padding."""

import numpy as np
import xarray as xr
from jaxtyping import Float

from dynlearn.errors import FitError
from dynlearn.models import Scaling
from dynlearn.numerics.window import Window

Series = list[Float[np.ndarray, "time channel"]]


def series(scaling: Scaling, runs: Window) -> tuple[Series, Series | None]:
    """Scaled outputs (NaN where not measured) and controls of every run, without the padding."""
    y = np.where(runs.observed, scaling.output(runs.output), np.nan)
    u, valid = np.asarray(scaling.control(runs.control)), np.asarray(runs.valid)
    outputs = [values[inside] for values, inside in zip(y, valid, strict=True)]
    controls = [values[inside] for values, inside in zip(u, valid, strict=True)]
    return outputs, controls if u.shape[-1] else None


def check_varied(ds: xr.Dataset) -> None:
    """Raise where an output was never measured, or never changes."""
    spread = ds["output"].max(("trajectory", "time")) - ds["output"].min(("trajectory", "time"))
    for name, width in zip(ds["output_name"].values, spread.values, strict=True):
        if not width > 0:
            what = "was never measured" if np.isnan(width) else "never changes, so nothing moves it"
            raise FitError(f"outputs: {str(name)!r} {what}; leave it out by ds.sel(output_name=[...]).")
