"""Figures of trajectories, forecasts, fits, scores, spectra, closed loops and what is inside a model.

Every function returns a `matplotlib.figure.Figure` that no global state knows of: nothing to close,
no backend to choose, safe on a server. At the end of a notebook cell it shows itself; anywhere else
`figure.savefig("name.svg")` writes it, and `figure.axes` are there to be changed.
"""

from dynlearn.plot.analysis.basins import basins
from dynlearn.plot.analysis.bifurcation import bifurcation
from dynlearn.plot.analysis.cycle_eigenvalues import cycle_eigenvalues
from dynlearn.plot.analysis.entropy import entropy
from dynlearn.plot.analysis.lyapunov import lyapunov
from dynlearn.plot.analysis.state_space import state_space
from dynlearn.plot.analysis.symbolic_graph import symbolic_graph
from dynlearn.plot.control.closed_loop import closed_loop
from dynlearn.plot.control.plan import plan
from dynlearn.plot.control.returns import returns
from dynlearn.plot.data.phase import phase
from dynlearn.plot.data.trajectories import trajectories
from dynlearn.plot.evaluation.reconstruction import reconstruction
from dynlearn.plot.evaluation.score_bars import score_bars
from dynlearn.plot.evaluation.scores import scores
from dynlearn.plot.forecast.forecast_fan import forecast_fan
from dynlearn.plot.forecast.inferred import inferred
from dynlearn.plot.forecast.regimes import regimes
from dynlearn.plot.forecast.simulation import simulation
from dynlearn.plot.model.eigenvalues import eigenvalues
from dynlearn.plot.model.history import history
from dynlearn.plot.model.nonlinear_units import nonlinear_units
from dynlearn.plot.model.orders import orders

__all__ = [
    "basins",
    "bifurcation",
    "closed_loop",
    "cycle_eigenvalues",
    "eigenvalues",
    "entropy",
    "forecast_fan",
    "history",
    "inferred",
    "lyapunov",
    "nonlinear_units",
    "orders",
    "phase",
    "plan",
    "reconstruction",
    "regimes",
    "returns",
    "score_bars",
    "scores",
    "simulation",
    "state_space",
    "symbolic_graph",
    "trajectories",
]
