"""Calibration: the error law alone."""

import dataclasses

from dynlearn.contract.model import AbstractModel
from dynlearn.fitting.result import Reason
from dynlearn.fitting.session import Outcome, Session


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Leave the dynamics as they are; only the error law is fitted.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> dl.fit(dl.models.Persistence.from_data(ds), ds, method=Calibration(), progress=False).reason.name
    'CALIBRATED'
    """

    def run(self, model: AbstractModel, session: Session) -> Outcome:
        """What `dl.fit` calls: `model` as it is; the error law is then fitted to the data in `session`."""
        return Outcome(model, [{"step": 0.0, "loss": float("nan")}], Reason.CALIBRATED, {})
