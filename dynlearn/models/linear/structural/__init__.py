"""Structural time-series models: pieces that compose by `+` into a `LinearStateSpace`.

>>> from dynlearn.models import structural
>>> structural.Trend() + structural.Seasonal(12)
Pieces(Trend, Seasonal)
"""

from dynlearn.models.linear.structural.autoregression import AR
from dynlearn.models.linear.structural.cycle import Cycle
from dynlearn.models.linear.structural.level import Level, Noise, Trend
from dynlearn.models.linear.structural.piece import Piece, Pieces
from dynlearn.models.linear.structural.regression import Regression
from dynlearn.models.linear.structural.seasonal import Seasonal
from dynlearn.models.linear.structural.system import StructuralSystem, parameters

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
