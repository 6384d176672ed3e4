"""What scores are divided by, and which of them have no value and why."""

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from dynlearn.evaluation import scores
from dynlearn.evaluation.origins import Origins
from dynlearn.evaluation.scores import Truth
from dynlearn.trajectories import schema


def spread(y: Truth, rounding: float) -> Float[np.ndarray, " output"]:
    """Standard deviation of each measured output over all scored windows; NaN where it never changes.

    What is within the relative `rounding` of the data's own precision is not a change, whatever the offset.
    """
    values = y.reshape(-1, y.shape[-1])
    mean = scores.measured_mean(values)
    std = np.sqrt(scores.measured_mean((values - mean) ** 2))
    # Told by the values: a sum of equal numbers is rounded, they are not.
    low, high = np.fmin.reduce(values), np.fmax.reduce(values)
    return np.where(high - low > 4 * rounding * np.maximum(np.abs(low), np.abs(high)), std, np.nan)


def naive_step(reference: xr.Dataset) -> Float[np.ndarray, " output"]:
    """Mean |y_{k+1} - y_k| over neighbouring measured samples of a run; NaN where there are none."""
    y = reference["output"].transpose("trajectory", "time", "output_name").values.astype(float)
    t = schema.times_2d(reference)
    step = np.where(np.isfinite(np.diff(t, axis=1))[..., None], np.abs(np.diff(y, axis=1)), np.nan)
    return scores.measured_mean(step.reshape(-1, y.shape[-1]))


def unscored(
    origins: Origins, scale: Float[np.ndarray, " output"], naive: Float[np.ndarray, " output"]
) -> dict[str, str]:
    """`unscored OUTPUT`: why some of its scores are NaN."""
    measured = np.isfinite(origins.truth)
    found = {}
    for j, name in enumerate(schema.names(origins.futures, "output")):
        why = []
        if not measured[..., j].any():
            why.append("was not measured after any of the contexts: no scores")
        else:
            if blank := _leads(~measured[..., j].any(0)):
                why.append(f"was measured at no window's lead {blank}: no scores there")
            if np.isnan(scale[j]):
                why.append("never changes in the scored windows: no nrmse, no part in the energy score")
        if np.isnan(naive[j]):
            why.append("has no two neighbouring measured samples in the reference data: no mase")
        elif naive[j] == 0:
            why.append("does not change from sample to sample of the reference data: no mase")
        if why:
            found[f"unscored {name}"] = f"output {name!r} " + "; it ".join(why) + "."
    return found


def _leads(blank: Bool[np.ndarray, " lead"]) -> str:
    """1, 2, 3, 7 as '1-3, 7'."""
    leads = np.flatnonzero(blank) + 1
    pieces = np.split(leads, np.flatnonzero(np.diff(leads) > 1) + 1) if leads.size else []
    return ", ".join(str(p[0]) if p.size == 1 else f"{p[0]}-{p[-1]}" for p in pieces)
