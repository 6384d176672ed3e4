"""Calibration: the error law of a fitted model, from forecasts of data it was not fitted to."""

from typing import Any

import equinox as eqx
import numpy as np
import xarray as xr

from dynlearn.contract.checks.measured import FEWEST, check_measured, sparse
from dynlearn.contract.error_growth import ErrorGrowth
from dynlearn.contract.foreign import Foreign, as_model
from dynlearn.contract.markers import AbstractDeterministic, AbstractStochastic, AbstractWrapper
from dynlearn.contract.members import each_of, has_members, like, one_of, stacked
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.state_space import AbstractStateSpace
from dynlearn.errors import FitError
from dynlearn.fitting.forecast_errors import HORIZON, ForecastErrors
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.schema import run_lengths


@one_call
def calibrate(model: AbstractModel | Foreign, ds: xr.Dataset, *, horizon: int = HORIZON) -> AbstractModel:
    """`model` with its `ErrorGrowth` fitted to the residuals of its forecasts on `ds`.

    Members of an ensemble are calibrated one by one. Stochastic models have learned their noise with
    their dynamics and keep it, as state-space models have.

    Args:
        model: with dynamics that are fitted.
        ds: trajectories, best held out from the fit.
        horizon: steps ahead over which the law is estimated, at most.

    Returns:
        The model, which may now be asked for distributions; one of another framework comes back as its twin.

    Raises:
        FitError: forecasts that are not finite, or so far off that the squares of their errors are not.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> model = calibrate(dl.models.Persistence.from_data(ds), ds)
    >>> model.noise.fitted
    True
    """
    model = as_model(model)
    if isinstance(model, AbstractStochastic | AbstractStateSpace):
        return model.as_fitted()
    if has_members(model):
        return like(model, stacked([calibrate(one, ds, horizon=horizon) for one in each_of(model)]))
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
    model = one_of(model)
    if not isinstance(model, AbstractDeterministic):
        return
    check_measured("calibration", ds)
    lengths = run_lengths(ds).tolist()
    if max(lengths) <= model.required:
        raise FitError(
            f"calibration: no run of validation is longer than the {model.required} samples from which the model "
            f"infers its state, the longest has {max(lengths)}; give longer runs, or leave validation out to calibrate "
            f"on the training data."
        )


def _noise(model: Any) -> ErrorGrowth:
    return model.model.noise if isinstance(model, AbstractWrapper) else model.noise
