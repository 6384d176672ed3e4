"""fit: one call for every model and every way of fitting it."""

import dataclasses
import os
import time
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Array, Key

from dynlearn.errors import ArgumentError, check_known, is_count
from dynlearn.fitting import _progress
from dynlearn.fitting._checkpoint import opened
from dynlearn.fitting._cross_fitting import errors_left_out
from dynlearn.fitting._forecast_errors import HORIZON
from dynlearn.fitting._identity import identity
from dynlearn.fitting._method import Method, NativeMethod, Outcome, Session
from dynlearn.fitting.calibration import calibrate, check_possible, with_law
from dynlearn.fitting.em import EM
from dynlearn.fitting.gradient import Gradient
from dynlearn.fitting.least_squares import LeastSquares
from dynlearn.fitting.maximum_likelihood import MaximumLikelihood
from dynlearn.fitting.objectives import Objective, resolve
from dynlearn.fitting.result import FitResult, Reason
from dynlearn.fitting.subspace import Subspace
from dynlearn.fitting.switching_em import SwitchingEM
from dynlearn.models import (
    AbstractDeterministic,
    AbstractModel,
    Foreign,
    LinearStateSpace,
    SwitchingLinear,
    as_model,
    check_clock,
    check_resolution,
)
from dynlearn.models._emissions import check_outputs
from dynlearn.models._linear_systems import MatrixSystem
from dynlearn.models._measured import check_measured
from dynlearn.models._traced import check_concrete
from dynlearn.numerics.keys import as_key
from dynlearn.trajectories import from_arrays


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Leave the dynamics as they are; only the error law is fitted."""

    def run(self, model: AbstractModel, session: Session) -> Outcome:
        return Outcome(model, [{"step": 0.0, "loss": float("nan")}], Reason.CALIBRATED, {})


METHODS: dict[str, type] = {
    "gradient": Gradient,
    "least_squares": LeastSquares,
    "subspace": Subspace,
    "em": EM,
    "maximum_likelihood": MaximumLikelihood,
    "switching_em": SwitchingEM,
    "calibration": Calibration,
}


def fit(
    model: AbstractModel | Foreign,
    train: xr.Dataset,
    validation: xr.Dataset | None = None,
    method: str | Method | None = None,
    *,
    objective: str | Objective | None = None,
    key: int | Key[Array, ""] = 0,
    progress: bool = True,
    checkpoint: str | os.PathLike | None = None,
    calibration_horizon: int = HORIZON,
) -> FitResult:
    """Fit `model` to the runs in `train`, then its error law to forecasts of `validation`.

    Args:
        model: from a family's `from_data(train)`, so that names, units and scaling agree.
        train: trajectories under the schema.
        validation: others, for early stopping, the choice of a ridge, and honest intervals. Without
            it a fit in closed form is repeated without each part of `train` in turn, and the error law is that of the
            forecasts of the parts left out; that of other fits is estimated on `train` itself.
            `statistics["calibrated_on"]` says which.
        method: `Gradient(...)`, `LeastSquares(...)`, `EM(...)`, a name, or None for the model's own.
        objective: what `Gradient` minimises: a name, a function `(model, batch, key)`, or None for
            the model's own.
        key: an int or a JAX key; the same key gives the same fit.
        progress: show a progress bar on standard error.
        checkpoint: a file kept up to date during the fit; if it exists, the fit goes on from it to the
            same parameters, bit for bit on the same machine. It belongs to this fit: another model, method,
            objective, key or data are refused, and so is a second process. Not for methods that solve
            in closed form.
        calibration_horizon: steps ahead over which the error law is estimated, at most.

    Raises:
        ArgumentError: data of other names, units or sampling than the model's; an unknown name.
        FitError: nothing to fit to, or forecasts that are not finite.
        FileFormatError: a damaged checkpoint, or one of another fit; what differs is named.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=4, length=60, key=0)
    >>> train, valid, test = ds.dyn.split(0.5, 0.25)
    >>> result = dl.fit(dl.models.ARX.from_data(train, delays=1), train, valid, progress=False)
    >>> result.reason.name
    'SOLVED'
    """
    started = time.perf_counter()
    source, model = model, as_model(model)
    if not isinstance(model, AbstractModel):
        raise ArgumentError(f"model: expected a dynlearn model, got {type(model).__name__}.")
    check_concrete(
        "fit", "an objective of dl.fitting.OBJECTIVES, (model, batch, key) -> (loss, metrics)", model, key
    )
    if not is_count(calibration_horizon, 1):
        raise ArgumentError(
            f"calibration_horizon: expected an integer >= 1 (steps), got {calibration_horizon!r}."
        )
    for ds in (train, *(() if validation is None else (validation,))):
        model.signature.check(ds)
        check_outputs(model, ds)
        check_resolution(ds)
        check_clock(model, ds)
    chosen = _resolve(source.method if method is None else method, checkpoint)
    if not isinstance(chosen, Calibration):
        check_measured("train", train, _coefficients(model))
    if validation is not None:
        check_possible(model, validation)
    if (
        objective is not None
        and not isinstance(chosen, Gradient | NativeMethod)
        and type(chosen) in METHODS.values()
    ):
        raise ArgumentError(
            f"objective: expected None, {type(chosen).__name__} has its own; leave it out, or use method='gradient'."
        )
    loss, random = resolve(objective, model), as_key(key)
    shown = _progress.bar if progress else _progress.silent
    with opened(checkpoint, lambda: identity(model, chosen, loss, random, train, validation)) as kept:
        session = Session(train, validation, loss, random, kept, shown)
        outcome = chosen.run(source if isinstance(chosen, NativeMethod) else model, session)
    fitted, on = _calibrated(outcome, train, validation, int(calibration_horizon))
    statistics = {**outcome.statistics, "calibrated_on": on}
    handed_back = source.adopt(fitted) if isinstance(source, Foreign) else fitted
    history = _history(outcome.rows)
    return FitResult(handed_back, history, outcome.reason, time.perf_counter() - started, statistics)


def _calibrated(
    outcome: Outcome, train: xr.Dataset, validation: xr.Dataset | None, horizon: int
) -> tuple[AbstractModel, str]:
    """The fitted model with its error law, and what that rests on."""
    model, refit = outcome.model, outcome.refit
    if validation is not None:
        return calibrate(model, validation, horizon=horizon), "validation"
    if refit is not None and isinstance(model, AbstractDeterministic):
        left_out = errors_left_out(model, train, refit, horizon)
        if left_out is not None:
            return with_law(model, train, left_out), "parts of train, each left out of a fit"
    return calibrate(model, train, horizon=horizon), "train"


def _coefficients(model: AbstractModel) -> int:
    """How many each output has to itself, where a likelihood determines them without any held-out data."""
    if isinstance(model, LinearStateSpace) and not isinstance(model.system, MatrixSystem):
        return 0  # a structural model: its states have no coefficients
    return len(model.state_names) if isinstance(model, LinearStateSpace | SwitchingLinear) else 0


def _resolve(chosen: Any, checkpoint: object) -> Any:
    came = chosen
    if isinstance(chosen, str):
        check_known("method", [chosen], METHODS)
        chosen = METHODS[chosen]()
    if isinstance(chosen, type) or not hasattr(chosen, "run"):
        raise ArgumentError(
            f"method: expected a name or an object such as dl.fitting.Gradient(steps=1000), got {came!r}."
        )
    if checkpoint is not None and not getattr(chosen, "resumable", False):
        raise ArgumentError(
            f"checkpoint: expected None, {type(chosen).__name__} does not iterate, so that there is nothing to go on "
            f"from; leave it out."
        )
    return chosen


def _history(rows: list[dict[str, float]]) -> xr.Dataset:
    """Logged numbers under the trajectory schema: one run, time counts steps (or candidates)."""
    names = [name for name in rows[0] if name != "step"]
    steps = np.array([row.get("step", i + 1) for i, row in enumerate(rows)], float)
    values = np.array([[row.get(name, np.nan) for name in names] for row in rows], float)
    values = np.where(np.isfinite(values), values, np.nan)
    return from_arrays(values, times=steps, output_names=names, units={"t": "step"}, runs=["fit"])
