"""What a fit returns."""

import dataclasses
import enum
from typing import Any

import xarray as xr

from dynlearn.models import AbstractModel, Foreign


class Reason(enum.Enum):
    """Why a fit ended; the value is the sentence the user reads."""

    SOLVED = "Solved in closed form."
    CONVERGED = "The likelihood has stopped rising."
    STEPS_DONE = "All steps were taken; if the score was still improving (`history`), raise `steps`."
    EARLY_STOPPED = "The validation score stopped improving; the best model seen was restored."
    NOT_IMPROVED = (
        "No step scored better on the validation data than the model before the fit, which is returned. "
        "Lower `learning_rate`, take more steps, or check that training and validation data are of one kind."
    )
    DIVERGED = (
        "The loss became non-finite; the last good model was kept. Lower `learning_rate`, shorten `horizon`, "
        "or use an adaptive solver."
    )
    STALLED = (
        "No step along the gradient raised the likelihood, which is not flat there (statistics['largest_slope']). "
        "Start from another model, fix what the data say nothing about, or use method='gradient'."
    )
    CALIBRATED = "Nothing to fit but the error law, which was calibrated."

    def __str__(self) -> str:
        return self.value


@dataclasses.dataclass(frozen=True, repr=False)
class FitResult:
    """A fitted model and how it came about."""

    model: AbstractModel | Foreign
    history: xr.Dataset
    """What was logged, under the trajectory schema: time counts steps, outputs are the logged quantities."""
    reason: Reason
    seconds: float
    statistics: dict[str, Any]
    """Counts and settings of the method: steps, chosen ridge, calibration source, ..."""

    def __repr__(self) -> str:
        return f"FitResult({type(self.model).__name__}, {self.reason.name}, {self.seconds:.1f} s, {self.statistics})"
