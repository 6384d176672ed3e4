"""What every way of fitting shares: the session it runs in and the outcome it returns."""

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Protocol

import xarray as xr
from jaxtyping import Array, Key

from dynlearn.contract.model import AbstractModel
from dynlearn.fitting.checkpoint.checkpoint import Checkpoint
from dynlearn.fitting.cross_fitting import Refit
from dynlearn.fitting.objectives.contract import Objective
from dynlearn.fitting.result import Reason

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
    carried: Any = None
    """What an earlier fit of this model by the same kind of method carried at its end."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A fitted model, one row of logged numbers per report, why it ended, and its statistics."""

    model: AbstractModel
    rows: list[dict[str, float]]
    reason: Reason
    statistics: dict[str, Any]
    carried: Any = None
    """What the method may go on from, if it is asked to with more data."""
    refit: Refit | None = None
    """The same fit of other runs, of methods for which it costs next to nothing."""


class NativeMethod:
    """Marker: `run` takes a model of another framework and trains it there; the outcome holds its twin."""

    takes_objective: ClassVar[bool] = True


class Method(Protocol):
    """A way of fitting: settings as fields, one `run`."""

    def run(self, model: AbstractModel, session: Session) -> Outcome:
        """What `dl.fit` calls: `model` fitted to the data of `session`."""
