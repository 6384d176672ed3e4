"""What every way of fitting shares: the session it runs in and the outcome it returns."""

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import xarray as xr
from jaxtyping import Array, Key

from dynlearn.fitting._checkpoint import Checkpoint
from dynlearn.fitting._cross_fitting import Refit
from dynlearn.fitting.objectives import Objective
from dynlearn.fitting.result import Reason
from dynlearn.models import AbstractModel

Report = Callable[..., None]
"""`report(done, loss=..., validation=...)`: how far a fit is."""


@dataclasses.dataclass(frozen=True)
class Session:
    """Data and settings of one call of `fit`."""

    train: xr.Dataset
    validation: xr.Dataset | None
    objective: Objective
    key: Key[Array, ""]
    checkpoint: Checkpoint
    progress: Callable[[str, int], AbstractContextManager[Report]]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A fitted model, one row of logged numbers per report, why it ended, and its statistics."""

    model: AbstractModel
    rows: list[dict[str, float]]
    reason: Reason
    statistics: dict[str, Any]
    refit: Refit | None = None
    """The same fit of other runs, of methods for which it costs next to nothing."""


class NativeMethod:
    """Marker: `run` takes a model of another framework and trains it there; the outcome holds its twin."""


class Method(Protocol):
    """A way of fitting: settings as fields, one `run`."""

    def run(self, model: AbstractModel, session: Session) -> Outcome: ...
