"""Figures of trajectories, forecasts, fits, scores, spectra and closed loops.

Every function returns a `matplotlib.figure.Figure` that no global state knows of: nothing to close,
no backend to choose, safe on a server. At the end of a notebook cell it shows itself; anywhere else
`figure.savefig("name.svg")` writes it, and `figure.axes` are there to be changed.
"""

from dynlearn.plot.closed_loop import closed_loop
from dynlearn.plot.eigenvalues import eigenvalues
from dynlearn.plot.forecast_fan import forecast_fan
from dynlearn.plot.history import history
from dynlearn.plot.inferred import inferred
from dynlearn.plot.orders import orders
from dynlearn.plot.phase import phase
from dynlearn.plot.plan import plan
from dynlearn.plot.regimes import regimes
from dynlearn.plot.returns import returns
from dynlearn.plot.score_bars import score_bars
from dynlearn.plot.scores import scores
from dynlearn.plot.simulation import simulation
from dynlearn.plot.trajectories import trajectories

__all__ = [
    "closed_loop",
    "eigenvalues",
    "forecast_fan",
    "history",
    "inferred",
    "orders",
    "phase",
    "plan",
    "regimes",
    "returns",
    "score_bars",
    "scores",
    "simulation",
    "trajectories",
]
