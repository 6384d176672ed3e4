"""How wrong the forecasts of a model are on given runs: what its error law and the choice of a ridge rest on."""

from typing import NamedTuple, Self

import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int

from dynlearn.contract.checks.measured import FEWEST
from dynlearn.contract.model import AbstractModel
from dynlearn.fitting.examples import Examples, lead_times, predict
from dynlearn.numerics.precision import compiled
from dynlearn.trajectories.schema import run_lengths
from dynlearn.trajectories.window import Window

HORIZON = 100
"""Steps ahead over which the error law is estimated, where the runs are long enough."""
WINDOWS = 512
DIVERGED = 10.0
"""Mean square, of outputs of unit spread, from which on a forecast has left the data."""


class ForecastErrors(NamedTuple):
    """Of forecasts from instants spread evenly over all runs."""

    residual: Float[np.ndarray, "window lead output"]
    """Measured minus forecast, in scaled units."""
    lead: Float[np.ndarray, "window lead"]
    """The time since the last observation."""
    measured: np.ndarray
    """Which residuals count, shape `(window, lead, output)`."""

    @classmethod
    def of(cls, model: AbstractModel, ds: xr.Dataset, horizon: int, what: str) -> Self:
        examples = Examples.of(model, ds, longest(model, ds, horizon), what)
        return cls.on(model, examples, examples.evenly(WINDOWS))

    @classmethod
    def on(cls, model: AbstractModel, examples: Examples, index: Int[np.ndarray, " window"]) -> Self:
        windows = examples.filled(index)
        residual, lead = _errors(model, windows)
        return cls.cut(residual, lead, windows, examples, index.size)

    @classmethod
    def cut(cls, residual: Array, lead: Array, windows: Window, examples: Examples, count: int) -> Self:
        """Without what `Examples.filled` had added."""
        measured = np.asarray(windows.observed)[:, examples.past :]
        found = (np.asarray(residual), np.asarray(lead), measured)
        return cls(*(values[:count, : examples.horizon] for values in found))

    @property
    def counts(self) -> np.ndarray:
        """Forecasts of a measured value, per output."""
        return self.measured.sum((0, 1))

    @property
    def few(self) -> np.ndarray:
        """Outputs of which there are too few to say anything."""
        return self.counts < FEWEST


def longest(model: AbstractModel, ds: xr.Dataset, horizon: int) -> int:
    """Steps that can be forecast in the longest run, at most `horizon`."""
    return max(1, min(horizon, int(run_lengths(ds).max()) - model.required))


def error(model: AbstractModel, window: Window) -> tuple[Float[Array, "lead output"], Float[Array, " lead"]]:
    """(residual, lead) of one window."""
    y = model.scaling.output(window.output[model.memory :])
    return y - model.scaling.output(predict(model, window).mean), lead_times(model, window)


@compiled
def _errors(model: AbstractModel, windows: Window):
    return jax.vmap(lambda window: error(model, window))(windows)
