"""What a fit returns."""

import dataclasses
import enum
from typing import Any

import xarray as xr

from dynlearn.contract.foreign import Foreign
from dynlearn.contract.model import AbstractModel


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
        "The loss became non-finite; the last good model was kept. Lower `learning_rate`, shorten `horizon`, use an "
        "adaptive solver in a model of continuous time, or a bounded map (PLRNN, form 'clipped')."
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
    """A fitted model and how it came about.

    Args:
        model: fitted; of the kind that was passed to `dl.fit`.
        history: what was logged.
        reason: why the fit ended; its value is a sentence.
        seconds: that the fit took.
        statistics: counts and settings of the method.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> result = dl.fit(dl.models.Persistence.from_data(ds), ds, progress=False)
    >>> result.reason.value
    'Nothing to fit but the error law, which was calibrated.'
    >>> result.statistics
    {'calibrated_on': 'train'}
    """

    model: AbstractModel | Foreign
    history: xr.Dataset
    """What was logged, under the trajectory schema: time counts steps, outputs are the logged quantities."""
    reason: Reason
    seconds: float
    statistics: dict[str, Any]
    """Counts and settings of the method: steps, chosen ridge, calibration source, ..."""
    carried: Any = dataclasses.field(default=None, compare=False)
    """What the method carried at the end (moments of an optimiser), for `fit` to go on from; None of others."""
    references: tuple[str, ...] = ()
    """Sources of the method, the objective and the error law's data, which `dl.citations` writes out."""

    def __repr__(self) -> str:
        return f"FitResult({type(self.model).__name__}, {self.reason.name}, {self.seconds:.1f} s, {self.statistics})"
