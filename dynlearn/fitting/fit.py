"""fit: one call for every model and every way of fitting it."""

import dataclasses
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Array, Key

from dynlearn.contract.checks.absolute_time import check_clock
from dynlearn.contract.checks.measured import check_measured
from dynlearn.contract.checks.outputs import check_outputs
from dynlearn.contract.checks.traced import check_concrete
from dynlearn.contract.foreign import Foreign, as_model
from dynlearn.contract.markers import AbstractDeterministic
from dynlearn.contract.members import one_of
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.scaling import check_resolution
from dynlearn.contract.state_space import AbstractStateSpace
from dynlearn.errors import ArgumentError, check_known, is_count
from dynlearn.fitting import progress as bars
from dynlearn.fitting.calibration import calibrate, check_possible, with_law
from dynlearn.fitting.checkpoint.checkpoint import opened
from dynlearn.fitting.checkpoint.identity import identity
from dynlearn.fitting.cross_fitting import errors_left_out
from dynlearn.fitting.forecast_errors import HORIZON
from dynlearn.fitting.going_on import KEEP, check_near, check_scaling, going_on
from dynlearn.fitting.methods.calibration import Calibration
from dynlearn.fitting.methods.steady import steadied
from dynlearn.fitting.methods.table import METHODS
from dynlearn.fitting.objectives.contract import Objective
from dynlearn.fitting.objectives.registry import resolve
from dynlearn.fitting.result import FitResult
from dynlearn.fitting.session import Method, NativeMethod, Outcome, Session
from dynlearn.numerics.keys import as_key
from dynlearn.references import keys_of
from dynlearn.trajectories.build.arrays import from_arrays
from dynlearn.trajectories.once import one_call


@one_call
def fit(
    model: AbstractModel | Foreign | FitResult,
    train: xr.Dataset,
    validation: xr.Dataset | None = None,
    method: str | Method | None = None,
    *,
    objective: str | Objective | None = None,
    key: int | Key[Array, ""] = 0,
    progress: bool = True,
    checkpoint: str | os.PathLike | None = None,
    calibration_horizon: int = HORIZON,
    scaling: str = KEEP,
) -> FitResult:
    """Fit `model` to the runs in `train`, then its error law to forecasts of `validation`.

    Args:
        model: from a family's `from_data(train)`, so that names, units and scaling agree. Or the result of an
            earlier fit, to go on from with other data: `Gradient` keeps the moments of its optimiser (its schedule of
            learning rates begins anew), and `scaling` says in which units. Where the number of runs and samples
            grows, it compiles anew only where one of them reaches the next of a few sizes.
        train: trajectories under the schema; of a fit that goes on, all that it is to rest on, old and new.
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
        scaling: of a fit that goes on. "keep": the model's own, but for the range of the controls, which grows; not
            by gradient descent to outputs twenty deviations away, or with a twentieth of the deviation or twenty times.
            "refresh": that of `train`, by a change of the parameters after which the model says the same in physical
            units, and with moments that begin anew; a regression is solved anew in it. For data that have moved away.

    Returns:
        A `FitResult`: the fitted `model`, what was logged (`history`), why the fit ended (`reason`), `seconds`
        and `statistics`. The model that was passed stays as it was; only one built in another framework is
        changed in place. In forecasts of models of descent that follow a mean path, outputs that never change in
        `train` do not either.

    Raises:
        ArgumentError: data of other names, units or sampling than the model's; a control that moves for the first
            time, or outputs far from those before, where `Gradient` goes on from an earlier fit; a family that cannot
            be told in other units, with scaling="refresh"; an unknown name.
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
    earlier = model if isinstance(model, FitResult) else None
    source: Any = model if earlier is None else earlier.model
    model = as_model(source)
    if not isinstance(model, AbstractModel):
        raise ArgumentError(f"model: expected a dynlearn model, got {type(model).__name__}.")
    check_scaling(scaling, earlier, source)
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
    if earlier is not None:
        check_near(model, train, chosen, scaling, isinstance(source, Foreign))
        model = model if isinstance(source, Foreign) else going_on(model, train, chosen, scaling)
    if one_of(model).method == "spread" and not isinstance(chosen, METHODS["spread"]):
        raise ArgumentError(
            f"method: the noises of a Perturbed model are chosen by 'spread', got {type(chosen).__name__}; leave "
            f"method out, and fit the model inside before."
        )
    if not isinstance(chosen, Calibration):
        check_measured("train", train, model.coefficients if isinstance(model, AbstractStateSpace) else 0)
    if validation is not None:
        check_possible(model, validation)
    if (
        objective is not None
        and not getattr(chosen, "takes_objective", False)
        and METHODS.lists(type(chosen))
    ):
        raise ArgumentError(
            f"objective: expected None, {type(chosen).__name__} has its own; leave it out, or use method='gradient'."
        )
    loss, random = resolve(objective, model), as_key(key)
    shown = bars.bar if progress else bars.silent
    carried = None if earlier is None or scaling != KEEP else earlier.carried
    with opened(
        checkpoint, lambda: identity(model, chosen, loss, random, train, validation, carried)
    ) as kept:
        session = Session(train, validation, loss, random, kept, shown, carried)
        outcome = chosen.run(source if isinstance(chosen, NativeMethod) else model, session)
    if not isinstance(chosen, Calibration | NativeMethod):
        steady = steadied(outcome.model, train, earlier is not None)
        outcome = dataclasses.replace(outcome, model=steady)
    fitted, on, scheme = _calibrated(outcome, train, validation, int(calibration_horizon))
    statistics = {**outcome.statistics, "calibrated_on": on}
    handed_back = source.adopt(fitted) if isinstance(source, Foreign) else fitted
    history = _history(outcome.rows)
    minimised = loss if getattr(chosen, "takes_objective", False) or objective is not None else None
    sources = tuple(sorted(keys_of((chosen, minimised, scheme))))
    seconds = time.perf_counter() - started
    return FitResult(handed_back, history, outcome.reason, seconds, statistics, outcome.carried, sources)


def _calibrated(
    outcome: Outcome, train: xr.Dataset, validation: xr.Dataset | None, horizon: int
) -> tuple[AbstractModel, str, Callable | None]:
    """The fitted model with its error law, what that rests on, and the scheme that found it."""
    model, refit = outcome.model, outcome.refit
    if validation is not None:
        return calibrate(model, validation, horizon=horizon), "validation", None
    if refit is not None and isinstance(model, AbstractDeterministic):
        left_out = errors_left_out(model, train, refit, horizon)
        if left_out is not None:
            on = "parts of train, each left out of a fit"
            return with_law(model, train, left_out), on, errors_left_out
    return calibrate(model, train, horizon=horizon), "train", None


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
