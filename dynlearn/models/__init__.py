"""Model families, and the contract they share."""

from dynlearn.models import dictionaries, structural
from dynlearn.models._absolute_time import check_clock, reads_time, unresolved
from dynlearn.models._error_growth import ErrorGrowth
from dynlearn.models._fitted import is_fitted
from dynlearn.models._foreign import Foreign, as_model
from dynlearn.models._linear_gaussian import AbstractLinearGaussian
from dynlearn.models._measurement import Measurement
from dynlearn.models._model import (
    AbstractClosedForm,
    AbstractContinuous,
    AbstractDeterministic,
    AbstractLinearLatent,
    AbstractModel,
    AbstractStochastic,
    AbstractWholePath,
)
from dynlearn.models._networks import ACTIVATIONS
from dynlearn.models._parallel import AbstractParallel
from dynlearn.models._rollout import cross, for_intervals_of, pieces_needed, rollout
from dynlearn.models._scaling import Fixed, Scaling, check_resolution
from dynlearn.models._signature import Signature
from dynlearn.models._state_space import AbstractMarkov, AbstractStateSpace
from dynlearn.models._switching import AbstractSwitching
from dynlearn.models.arx import ARX
from dynlearn.models.continuous_discrete import ContinuousDiscrete
from dynlearn.models.deep_state_space import DeepStateSpace
from dynlearn.models.ensemble import Ensemble
from dynlearn.models.koopman import Koopman
from dynlearn.models.linear_state_space import LinearStateSpace
from dynlearn.models.neural_map import NeuralMap
from dynlearn.models.neural_ode import NeuralODE
from dynlearn.models.neural_sde import NeuralSDE
from dynlearn.models.nonlinear_state_space import NonlinearStateSpace
from dynlearn.models.persistence import Persistence
from dynlearn.models.smoothed import Smoothed
from dynlearn.models.storage import load, save
from dynlearn.models.switching_linear import SwitchingLinear
from dynlearn.models.tiling import ContextTiling

FAMILIES = {
    cls.__name__: cls
    for cls in (
        NeuralODE,
        NeuralSDE,
        NeuralMap,
        DeepStateSpace,
        Koopman,
        LinearStateSpace,
        NonlinearStateSpace,
        SwitchingLinear,
        ContinuousDiscrete,
        ARX,
        Persistence,
        ContextTiling,
    )
}
"""Families `from_data` can build, by name."""

__all__ = [
    "ACTIVATIONS",
    "ARX",
    "FAMILIES",
    "AbstractClosedForm",
    "AbstractContinuous",
    "AbstractDeterministic",
    "AbstractLinearGaussian",
    "AbstractLinearLatent",
    "AbstractMarkov",
    "AbstractModel",
    "AbstractParallel",
    "AbstractStateSpace",
    "AbstractStochastic",
    "AbstractSwitching",
    "AbstractWholePath",
    "ContextTiling",
    "ContinuousDiscrete",
    "DeepStateSpace",
    "Ensemble",
    "ErrorGrowth",
    "Fixed",
    "Foreign",
    "Koopman",
    "LinearStateSpace",
    "Measurement",
    "NeuralMap",
    "NeuralODE",
    "NeuralSDE",
    "NonlinearStateSpace",
    "Persistence",
    "Scaling",
    "Signature",
    "Smoothed",
    "SwitchingLinear",
    "as_model",
    "check_clock",
    "check_resolution",
    "cross",
    "dictionaries",
    "for_intervals_of",
    "is_fitted",
    "load",
    "pieces_needed",
    "reads_time",
    "rollout",
    "save",
    "structural",
    "unresolved",
]
