"""What inference found, beside the data it was found in, under the trajectory schema."""

import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from dynlearn.contract.state_space import AbstractStateSpace, AbstractSwitching
from dynlearn.inference.border import inside
from dynlearn.numerics.distributions.mixture import Mixture
from dynlearn.trajectories import schema
from dynlearn.trajectories.checks.validate import validate

DIMS = {
    "state": ("trajectory", "time", "state_name"),
    "output": ("trajectory", "time", "output_name"),
    "regime": ("trajectory", "time", "regime_name"),
    "effective": ("trajectory", "time"),
}


def regimes(model: AbstractStateSpace, belief: Mixture) -> Float[Array, "time regime"] | None:
    """Their probabilities, where the model has any."""
    return belief.weight if isinstance(model, AbstractSwitching) else None


def beside(model: AbstractStateSpace, ds: xr.Dataset, found: dict[str, tuple[str, np.ndarray]]) -> xr.Dataset:
    """`ds` without its own states, and every variable of `found` (its kind, its values) with NaN in the padding.

    With the probabilities of regimes also the likeliest one at each sample, a coordinate ("" in the padding).
    Values have shape (run, time, name), (run, time) where no name belongs to them, or (run, sample, time, name)
    for draws; what can be written to is taken over without a copy.
    """
    kept = ds[[name for name in ("output", "control", "static") if name in ds]]
    result = kept.drop_vars([name for name in ("state_name", "state_unit") if name in kept.coords])
    result = result.assign_coords(state_name=schema.strings(model.state_names))
    mask = inside(ds)[..., None]
    for name, (kind, values) in found.items():
        if values.ndim == 4:
            values = np.where(mask, np.moveaxis(values, 1, 0), np.nan)
            result[name] = (("sample", *DIMS[kind]), values)
            continue
        values = values if values.flags.writeable else values.copy()
        values[~mask[..., 0]] = np.nan
        result[name] = (DIMS[kind], values)
    if isinstance(model, AbstractSwitching) and "regime_probability" in found:
        names = schema.strings(model.regime_names)
        held = np.where(mask[..., 0], names[found["regime_probability"][1].argmax(-1)], "")
        regime = (("trajectory", "time"), held.astype(names.dtype))
        result = result.assign_coords(regime_name=names, regime=regime)
    result.attrs = {"dynlearn_schema": schema.SCHEMA_VERSION}
    return validate(result)
