"""Structural time-series models: pieces that compose by `+` into a `LinearStateSpace`.

>>> from dynlearn.models import structural
>>> structural.Trend() + structural.Seasonal(12)
Pieces(Trend, Seasonal)
"""

from dynlearn.models.structural._piece import Piece, Pieces
from dynlearn.models.structural._system import StructuralSystem, parameters
from dynlearn.models.structural.autoregression import AR
from dynlearn.models.structural.cycle import Cycle
from dynlearn.models.structural.level import Level, Noise, Trend
from dynlearn.models.structural.regression import Regression
from dynlearn.models.structural.seasonal import Seasonal

__all__ = [
    "AR",
    "Cycle",
    "Level",
    "Noise",
    "Piece",
    "Pieces",
    "Regression",
    "Seasonal",
    "StructuralSystem",
    "Trend",
    "parameters",
]
