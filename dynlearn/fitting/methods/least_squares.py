"""LeastSquares: closed-form dynamics, the ridge chosen on validation forecasts."""

import dataclasses
from typing import ClassVar

import numpy as np
import xarray as xr

from dynlearn.contract.checks.measured import sparse
from dynlearn.contract.markers import AbstractClosedForm
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, FitError, check_count
from dynlearn.fitting.examples import Examples
from dynlearn.fitting.forecast_errors import DIVERGED, HORIZON, WINDOWS, ForecastErrors, longest
from dynlearn.fitting.result import Reason
from dynlearn.fitting.session import Outcome, Session
from dynlearn.identification.ridge import Regression
from dynlearn.numerics import precision
from dynlearn.numerics.plain import make_plain
from dynlearn.trajectories.device.fold import folded
from dynlearn.trajectories.device.to_device import to_device
from dynlearn.trajectories.window import Window

Candidate = tuple[float, AbstractClosedForm, float]
"""Score, model, ridge."""
LARGE = 100.0
"""Of a coefficient between quantities of unit spread, from which on it may only balance another."""


@dataclasses.dataclass(frozen=True)
class LeastSquares:
    """Solve the one-step regression; with validation data, try each `ridge` and keep the best.

    The score is the mean squared multi-step error on the validation data, in scaled units; a
    candidate whose forecasts diverge scores infinity. Without validation data the first ridge is used; where it
    gives coefficients so large that they only balance one another, as of an output in two units, the
    first one with which forecasts stay near the training data. Solved in float64.

    Args:
        ridge: penalty per sample on the scaled coefficients, one number or several to try.
        horizon: steps ahead over which the candidates are scored, at most.

    Raises:
        ArgumentError: a negative ridge, a horizon below 1; from `dl.fit` for a model that is no regression.
        FitError: from `dl.fit` where the transitions do not determine the coefficients.

    Reference: Hoerl, Kennard, "Ridge regression: biased estimation for nonorthogonal problems", Technometrics 1970.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> model = dl.models.ARX.from_data(ds, delays=1)
    >>> dl.fit(model, ds, method=LeastSquares(ridge=1e-3), progress=False).statistics["ridge"]
    0.001
    """

    references: ClassVar[tuple[str, ...]] = ("hoerl1970ridge",)
    ridge: tuple[float, ...] = (0.0, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    horizon: int = HORIZON

    def __post_init__(self):
        make_plain(self)
        given = np.atleast_1d(self.ridge)
        ridge = tuple(given.astype(float).tolist()) if given.dtype.kind in "if" else ()
        if not ridge or not all(0 <= r < np.inf for r in ridge):
            raise ArgumentError(f"LeastSquares: expected ridge values >= 0, got {self.ridge!r}.")
        object.__setattr__(self, "ridge", ridge)
        check_count("LeastSquares: horizon", self.horizon, 1)

    def run(self, model: AbstractModel, session: Session) -> Outcome:
        """What `dl.fit` calls: `model` with the solution of its regression on the runs of `session`, and its log.

        Raises:
            ArgumentError: a model that is no regression.
            FitError: transitions that do not determine the coefficients.
        """
        if not isinstance(model, AbstractClosedForm):
            raise ArgumentError(
                f"LeastSquares: expected a model whose dynamics are a regression (Koopman, ARX), got "
                f"{type(model).__name__}; use method='gradient'."
            )
        with precision.float64():
            regression = model.regression(_runs(model, session.train))
        if session.validation is None and self.ridge[0] == 0 and regression.samples <= regression.rank + 1:
            raise FitError(
                f"LeastSquares: {regression.samples} complete transitions do not determine {regression.x_mean.size} "
                f"coefficients per target; give validation data (a ridge is then chosen on them), set a ridge, "
                f"LeastSquares(ridge=1e-3), or take fewer features or delays.{sparse(session.train)}"
            )
        if session.validation is None:
            found = self._alone(model, regression, session)
        else:
            found = self._validated(model, regression, session, session.validation)
        score, fitted, ridge = min(found, key=lambda item: item[0])
        rows = [{"ridge": ridge, "validation": score} for score, _, ridge in found]
        statistics = {"ridge": ridge, "validation": score}
        refit = lambda runs: refitted(fitted, runs, ridge)  # noqa: E731
        return Outcome(fitted, rows, Reason.SOLVED, statistics, refit=refit)

    def _validated(
        self, model: AbstractClosedForm, regression: Regression, session: Session, validation: xr.Dataset
    ) -> list[Candidate]:
        """Every ridge, with its score on the validation data."""
        windows, found = self._windows(model, validation, "validation"), []
        with session.progress("least squares", len(self.ridge)) as report:
            for ridge in self.ridge:
                fitted, _ = _solved(model, regression, ridge)
                found.append((_score(fitted, windows), fitted, ridge))
                report(len(found), validation=found[-1][0])
        return found

    def _alone(self, model: AbstractClosedForm, regression: Regression, session: Session) -> list[Candidate]:
        """The first ridge, or where its coefficients balance one another, the first that stays near the data."""
        windows = None
        with session.progress("least squares", 1) as report:
            for ridge in self.ridge:
                fitted, largest = _solved(model, regression, ridge)
                if largest > LARGE:
                    windows = windows or self._windows(model, session.train, "training")
                    if _score(fitted, windows) > DIVERGED:
                        continue
                report(1, validation=float("nan"))
                return [(float("nan"), fitted, ridge)]
        raise FitError(
            f"LeastSquares: the regressors nearly determine one another, and with ridge={self.ridge} forecasts of "
            f"the training data leave it; set a larger ridge, e.g. LeastSquares(ridge=1e-2), give validation data, "
            f"or leave out outputs that say the same."
        )

    def _windows(self, model: AbstractModel, ds: xr.Dataset, name: str) -> Examples:
        return Examples.of(model, ds, longest(model, ds, self.horizon), name)


def _runs(model: AbstractClosedForm, ds: xr.Dataset) -> Window:
    """On the device: a transition reads what a state is inferred from, and the sample after it."""
    return to_device(folded(ds, model.required).ds)


def _solved(
    model: AbstractClosedForm, regression: Regression, ridge: float
) -> tuple[AbstractClosedForm, float]:
    """The model, and the size of its largest coefficient."""
    with precision.float64():
        weights = regression.solve(ridge)
        solved = model.solved(weights)
    return precision.to_default(solved), float(np.abs(weights).max(initial=0))


def refitted(model: AbstractClosedForm, runs: Window, ridge: float) -> AbstractModel | None:
    """`model` with the dynamics that solve the regression over `runs`; None where it is not determined."""
    with precision.float64():
        try:
            regression = model.regression(runs)
        except FitError:
            return None
        if regression.samples <= 2 * (regression.rank + 1):
            return None
        solved = model.solved(regression.solve(ridge))
    return precision.to_default(solved)


def _score(model: AbstractModel, windows: Examples) -> float:
    """Mean squared multi-step error in scaled units; infinite where a forecast diverges."""
    found = ForecastErrors.on(model, windows, windows.evenly(WINDOWS))
    square = found.residual[found.measured].astype(float) ** 2
    return float(square.mean()) if np.isfinite(square).all() else float("inf")
