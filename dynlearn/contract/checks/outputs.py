"""Outputs that a law of counts or of 0 and 1 can have produced."""

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError
from dynlearn.trajectories import schema

MEASURED = ("gaussian", "student_t")

"""Laws of real numbers; the others are of counts and of 0 or 1, which no scaling may touch."""


def check_outputs(model: object, ds: xr.Dataset) -> None:
    """Counts are whole numbers >= 0, outputs of a Bernoulli law 0 or 1; whatever the others are, is fine."""
    law = getattr(getattr(model, "emission", None), "law", None)
    if law is None or law in MEASURED:
        return
    expected = "0 or 1" if law == "bernoulli" else "whole numbers >= 0"
    y = ds["output"].transpose("trajectory", "time", "output_name").values
    fits = (y == 0) | (y == 1) if law == "bernoulli" else (y >= 0) & (y == np.round(y))
    wrong = np.argwhere(np.isfinite(y) & ~fits)
    if len(wrong):
        i, k, j = wrong[0]
        raise ArgumentError(
            f"output {schema.names(ds, 'output')[j]!r}: expected {expected} for the law {law!r}, got {y[i, k, j]:g} "
            f"in run {schema.run_ids(ds)[i]!r} at sample {k} ({len(wrong)} such values in all)."
        )
