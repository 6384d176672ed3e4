"""Runs as subspace identification takes them: numpy arrays in scaled units, without padding."""

import numpy as np
import xarray as xr
from jaxtyping import Float

from dynlearn.errors import FitError
from dynlearn.models import Scaling
from dynlearn.numerics.window import Window

Series = list[Float[np.ndarray, "_ _"]]


def series(scaling: Scaling, runs: Window) -> tuple[Series, Series | None]:
    """Scaled outputs (NaN where not measured) and controls of every run, without the padding."""
    y = np.where(runs.observed, scaling.output(runs.output), np.nan)
    u, valid = np.asarray(scaling.control(runs.control)), np.asarray(runs.valid)
    outputs = [values[inside] for values, inside in zip(y, valid, strict=True)]
    controls = [values[inside] for values, inside in zip(u, valid, strict=True)]
    return outputs, controls if u.shape[-1] else None


def check_varied(ds: xr.Dataset) -> None:
    """Raise where no output ever changes: nothing moves a state then."""
    spread = ds["output"].max(("trajectory", "time")) - ds["output"].min(("trajectory", "time"))
    if not (spread > 0).any():
        names = [str(name) for name in ds["output_name"].values]
        raise FitError(
            f"outputs: {names} never change, so nothing moves a state; give runs in which they do."
        )
