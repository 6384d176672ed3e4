"""Calibration: the error law of a fitted model, from forecasts of data it was not fitted to."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from dynlearn.errors import FitError
from dynlearn.fitting._forecast_errors import HORIZON, ForecastErrors
from dynlearn.models import (
    AbstractDeterministic,
    AbstractModel,
    AbstractStateSpace,
    AbstractStochastic,
    Ensemble,
    ErrorGrowth,
    Foreign,
    Smoothed,
    as_model,
)
from dynlearn.models._measured import FEWEST, check_measured, sparse


def calibrate(model: AbstractModel | Foreign, ds: xr.Dataset, *, horizon: int = HORIZON) -> AbstractModel:
    """`model` with its `ErrorGrowth` fitted to the residuals of its forecasts on `ds`.

    Members of an ensemble are calibrated one by one. Stochastic models have learned their noise with
    their dynamics and keep it, as state-space models have. Raises `FitError` where the forecasts are not finite, or
    so far off that the squares of their errors are not.
    """
    model = as_model(model)
    if isinstance(model, AbstractStochastic | AbstractStateSpace):
        return model.as_fitted()
    if isinstance(model, Ensemble):
        members = [calibrate(model.member(i), ds, horizon=horizon) for i in range(model.size)]
        stacked = jax.tree.map(
            lambda *leaves: jnp.stack(leaves) if eqx.is_array(leaves[0]) else leaves[0], *members
        )
        return Ensemble(stacked, model.size)
    if not isinstance(model, AbstractDeterministic):
        return model
    check_measured("calibration", ds)
    return with_law(model, ds, ForecastErrors.of(model, ds, horizon, "calibration"))


def with_law(model: AbstractDeterministic, ds: xr.Dataset, errors: ForecastErrors) -> AbstractModel:
    """`model` with the error law of `errors`, found on `ds`."""
    residual, lead, measured = errors
    if errors.few.any():
        counts = dict(zip(model.signature.output_names, errors.counts.tolist(), strict=True))
        raise FitError(
            f"calibration: the error law needs at least {FEWEST} forecasts of measured values per output, the data "
            f"give {counts}; use longer or more runs.{sparse(ds)}"
        )
    worst = np.abs(residual[measured]).max()
    if not worst < ErrorGrowth.largest():
        far = f"off by {worst:.2g} standard deviations" if np.isfinite(worst) else "not finite"
        raise FitError(
            f"calibration: forecasts of {type(model).__name__} are {far} within {residual.shape[1]} steps; the "
            f"fitted dynamics are unstable: use a ridge, fewer features, or a shorter horizon."
        )
    return eqx.tree_at(_noise, model, ErrorGrowth.fit(residual, lead, measured))


def check_possible(model: AbstractModel, ds: xr.Dataset) -> None:
    """Raise before a fit where `calibrate` could say nothing after it: the part of it that costs nothing to know."""
    if isinstance(model, Ensemble):
        model = model.member(0)
    if not isinstance(model, AbstractDeterministic):
        return
    check_measured("calibration", ds)
    lengths = ds.dyn.lengths.tolist()
    if max(lengths) <= model.required:
        raise FitError(
            f"calibration: no run of validation is longer than the {model.required} samples from which the model "
            f"infers its state, the longest has {max(lengths)}; give longer runs, or leave validation out to calibrate "
            f"on the training data."
        )


def _noise(model: Any) -> ErrorGrowth:
    return model.model.noise if isinstance(model, Smoothed) else model.noise
