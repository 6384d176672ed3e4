"""LeastSquares: closed-form dynamics, the ridge chosen on validation forecasts."""

import dataclasses
from typing import Any

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError
from dynlearn.fitting._method import Outcome, Session
from dynlearn.fitting.calibration import HORIZON, WINDOWS, _longest, _residuals
from dynlearn.fitting._examples import Examples
from dynlearn.fitting.result import Reason
from dynlearn.models import AbstractClosedForm, AbstractModel, Ensemble
from dynlearn.numerics import precision


@dataclasses.dataclass(frozen=True)
class LeastSquares:
    """Solve the one-step regression; with validation data, try each `ridge` and keep the best.

    The score is the mean squared multi-step error on the validation data, in scaled units; a
    candidate whose forecasts diverge scores infinity. Without validation data the first
    (smallest) ridge is used. Solved in float64.
    """

    ridge: tuple[float, ...] = (0.0, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    horizon: int = HORIZON

    def __post_init__(self):
        ridge = tuple(np.atleast_1d(self.ridge).astype(float).tolist())
        if not ridge or min(ridge) < 0:
            raise ArgumentError(f"LeastSquares: expected ridge values >= 0, got {self.ridge!r}.")
        object.__setattr__(self, "ridge", ridge)

    def run(self, model: AbstractModel, session: Session) -> Outcome:
        if not isinstance(model, AbstractClosedForm) or isinstance(model, Ensemble):
            raise ArgumentError(
                f"LeastSquares: expected a model whose dynamics are a regression (Koopman, ARX), got "
                f"{type(model).__name__}; use method='gradient'."
            )
        candidates = self.ridge if session.validation is not None else self.ridge[:1]
        best: tuple[float, AbstractModel, float] | None = None
        rows = []
        with session.progress("least squares", len(candidates)) as report:
            for ridge in candidates:
                fitted = _solve(model, session.train, ridge)
                score = self._score(fitted, session.validation)
                rows.append({"ridge": ridge, "validation": score})
                report(len(rows), validation=score)
                if best is None or score < best[0]:
                    best = (score, fitted, ridge)
        assert best is not None
        return Outcome(best[1], rows, Reason.SOLVED, {"ridge": best[2], "validation": best[0]})

    def _score(self, model: AbstractModel, ds: xr.Dataset | None) -> float:
        if ds is None:
            return float("nan")
        windows = Examples.of(model, ds, _longest(model, ds, self.horizon), "validation").spread(WINDOWS)
        residual = np.asarray(_residuals(model, windows)[0])
        measured = np.asarray(windows.observed[:, model.memory :])
        square = residual[measured].astype(float) ** 2
        return float(square.mean()) if np.isfinite(square).all() else float("inf")


def _solve(model: Any, ds: xr.Dataset, ridge: float) -> AbstractModel:
    with precision.float64():
        fitted = model.least_squares(ds.dyn.to_device(), ridge)
    return precision.to_default(fitted)
