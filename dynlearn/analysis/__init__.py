"""Analysis: looking inside a fitted model, whose own dynamics are a map to be understood."""

from dynlearn.analysis.basins import basins
from dynlearn.analysis.bifurcation import bifurcation
from dynlearn.analysis.cycles import cycles, fixed_points
from dynlearn.analysis.entropy import entropy
from dynlearn.analysis.lyapunov import kaplan_yorke, lyapunov
from dynlearn.analysis.regions import regions

__all__ = [
    "basins",
    "bifurcation",
    "cycles",
    "entropy",
    "fixed_points",
    "kaplan_yorke",
    "lyapunov",
    "regions",
]
