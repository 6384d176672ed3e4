"""Model families, and the contract they share."""

from typing import TYPE_CHECKING

from dynlearn.on_use import Table, names_of

if TYPE_CHECKING:  # what the names below are, for type checkers and editors
    from dynlearn.contract.checks.absolute_time import check_clock, reads_time, unresolved
    from dynlearn.contract.checks.fitted import is_fitted
    from dynlearn.contract.error_growth import ErrorGrowth
    from dynlearn.contract.forcing import AbstractForced, Forcing
    from dynlearn.contract.foreign import Foreign, as_model
    from dynlearn.contract.linear_gaussian import AbstractLinearGaussian
    from dynlearn.contract.markers import (
        AbstractClosedForm,
        AbstractContinuous,
        AbstractDeterministic,
        AbstractLinearLatent,
        AbstractParallel,
        AbstractSteady,
        AbstractStochastic,
        AbstractWholePath,
    )
    from dynlearn.contract.model import AbstractModel
    from dynlearn.contract.piecewise_linear import AbstractPiecewiseLinear, Pieces
    from dynlearn.contract.rescaling import AbstractRescalable
    from dynlearn.contract.rollout import cross, for_intervals_of, pieces_needed, rollout
    from dynlearn.contract.scaling import Fixed, Scaling, check_resolution
    from dynlearn.contract.signature import Signature
    from dynlearn.contract.state_space import AbstractMarkov, AbstractStateSpace, AbstractSwitching
    from dynlearn.contract.storage.files import load, save
    from dynlearn.models.baselines.persistence import Persistence
    from dynlearn.models.baselines.tiling import ContextTiling
    from dynlearn.models.koopman.koopman import Koopman
    from dynlearn.models.latent.continuous_discrete import ContinuousDiscrete
    from dynlearn.models.linear import structural
    from dynlearn.models.linear.linear_state_space import LinearStateSpace
    from dynlearn.models.neural.map import NeuralMap
    from dynlearn.models.neural.ode import NeuralODE
    from dynlearn.models.neural.sde import NeuralSDE
    from dynlearn.models.nonlinear.nonlinear_state_space import NonlinearStateSpace
    from dynlearn.models.recurrent.almost_linear import ALRNN
    from dynlearn.models.recurrent.piecewise_linear import PLRNN
    from dynlearn.models.regression.arx import ARX
    from dynlearn.models.sequence.deep_state_space import DeepStateSpace
    from dynlearn.models.switching.switching_linear import SwitchingLinear
    from dynlearn.models.wrappers.ensemble import Ensemble
    from dynlearn.models.wrappers.perturbed import Perturbed
    from dynlearn.models.wrappers.smoothed import Smoothed
    from dynlearn.models.zero_shot.alrnn_mixture import ALRNNMixture
    from dynlearn.models.zero_shot.patch_transformer import PatchTransformer
    from dynlearn.numerics.activations import ACTIVATIONS
    from dynlearn.parts.laws.measurement import Measurement
    from dynlearn.parts.liftings import dictionaries

_WHERE = {
    "ACTIVATIONS": "dynlearn.numerics.activations",
    "ALRNN": "dynlearn.models.recurrent.almost_linear",
    "ALRNNMixture": "dynlearn.models.zero_shot.alrnn_mixture",
    "ARX": "dynlearn.models.regression.arx",
    "AbstractClosedForm": "dynlearn.contract.markers",
    "AbstractContinuous": "dynlearn.contract.markers",
    "AbstractDeterministic": "dynlearn.contract.markers",
    "AbstractForced": "dynlearn.contract.forcing",
    "AbstractLinearGaussian": "dynlearn.contract.linear_gaussian",
    "AbstractLinearLatent": "dynlearn.contract.markers",
    "AbstractMarkov": "dynlearn.contract.state_space",
    "AbstractModel": "dynlearn.contract.model",
    "AbstractParallel": "dynlearn.contract.markers",
    "AbstractPiecewiseLinear": "dynlearn.contract.piecewise_linear",
    "AbstractRescalable": "dynlearn.contract.rescaling",
    "AbstractStateSpace": "dynlearn.contract.state_space",
    "AbstractSteady": "dynlearn.contract.markers",
    "AbstractStochastic": "dynlearn.contract.markers",
    "AbstractSwitching": "dynlearn.contract.state_space",
    "AbstractWholePath": "dynlearn.contract.markers",
    "ContextTiling": "dynlearn.models.baselines.tiling",
    "ContinuousDiscrete": "dynlearn.models.latent.continuous_discrete",
    "DeepStateSpace": "dynlearn.models.sequence.deep_state_space",
    "Ensemble": "dynlearn.models.wrappers.ensemble",
    "ErrorGrowth": "dynlearn.contract.error_growth",
    "Fixed": "dynlearn.contract.scaling",
    "Forcing": "dynlearn.contract.forcing",
    "Foreign": "dynlearn.contract.foreign",
    "Koopman": "dynlearn.models.koopman.koopman",
    "LinearStateSpace": "dynlearn.models.linear.linear_state_space",
    "Measurement": "dynlearn.parts.laws.measurement",
    "NeuralMap": "dynlearn.models.neural.map",
    "NeuralODE": "dynlearn.models.neural.ode",
    "NeuralSDE": "dynlearn.models.neural.sde",
    "NonlinearStateSpace": "dynlearn.models.nonlinear.nonlinear_state_space",
    "PLRNN": "dynlearn.models.recurrent.piecewise_linear",
    "PatchTransformer": "dynlearn.models.zero_shot.patch_transformer",
    "Perturbed": "dynlearn.models.wrappers.perturbed",
    "Pieces": "dynlearn.contract.piecewise_linear",
    "Persistence": "dynlearn.models.baselines.persistence",
    "Scaling": "dynlearn.contract.scaling",
    "Signature": "dynlearn.contract.signature",
    "Smoothed": "dynlearn.models.wrappers.smoothed",
    "SwitchingLinear": "dynlearn.models.switching.switching_linear",
    "as_model": "dynlearn.contract.foreign",
    "check_clock": "dynlearn.contract.checks.absolute_time",
    "check_resolution": "dynlearn.contract.scaling",
    "cross": "dynlearn.contract.rollout",
    "dictionaries": "dynlearn.parts.liftings.dictionaries",
    "for_intervals_of": "dynlearn.contract.rollout",
    "is_fitted": "dynlearn.contract.checks.fitted",
    "load": "dynlearn.contract.storage.files",
    "pieces_needed": "dynlearn.contract.rollout",
    "reads_time": "dynlearn.contract.checks.absolute_time",
    "rollout": "dynlearn.contract.rollout",
    "save": "dynlearn.contract.storage.files",
    "structural": "dynlearn.models.linear.structural",
    "unresolved": "dynlearn.contract.checks.absolute_time",
}

FAMILIES = Table(
    {
        "NeuralODE": "dynlearn.models.neural.ode:NeuralODE",
        "NeuralSDE": "dynlearn.models.neural.sde:NeuralSDE",
        "NeuralMap": "dynlearn.models.neural.map:NeuralMap",
        "DeepStateSpace": "dynlearn.models.sequence.deep_state_space:DeepStateSpace",
        "Koopman": "dynlearn.models.koopman.koopman:Koopman",
        "LinearStateSpace": "dynlearn.models.linear.linear_state_space:LinearStateSpace",
        "NonlinearStateSpace": "dynlearn.models.nonlinear.nonlinear_state_space:NonlinearStateSpace",
        "SwitchingLinear": "dynlearn.models.switching.switching_linear:SwitchingLinear",
        "ContinuousDiscrete": "dynlearn.models.latent.continuous_discrete:ContinuousDiscrete",
        "ALRNN": "dynlearn.models.recurrent.almost_linear:ALRNN",
        "PLRNN": "dynlearn.models.recurrent.piecewise_linear:PLRNN",
        "ALRNNMixture": "dynlearn.models.zero_shot.alrnn_mixture:ALRNNMixture",
        "PatchTransformer": "dynlearn.models.zero_shot.patch_transformer:PatchTransformer",
        "ARX": "dynlearn.models.regression.arx:ARX",
        "Persistence": "dynlearn.models.baselines.persistence:Persistence",
        "ContextTiling": "dynlearn.models.baselines.tiling:ContextTiling",
    }
)
"""Families `from_data` can build, by name."""

__all__ = [
    "ACTIVATIONS",
    "ALRNN",
    "ARX",
    "FAMILIES",
    "PLRNN",
    "ALRNNMixture",
    "AbstractClosedForm",
    "AbstractContinuous",
    "AbstractDeterministic",
    "AbstractForced",
    "AbstractLinearGaussian",
    "AbstractLinearLatent",
    "AbstractMarkov",
    "AbstractModel",
    "AbstractParallel",
    "AbstractPiecewiseLinear",
    "AbstractRescalable",
    "AbstractStateSpace",
    "AbstractSteady",
    "AbstractStochastic",
    "AbstractSwitching",
    "AbstractWholePath",
    "ContextTiling",
    "ContinuousDiscrete",
    "DeepStateSpace",
    "Ensemble",
    "ErrorGrowth",
    "Fixed",
    "Forcing",
    "Foreign",
    "Koopman",
    "LinearStateSpace",
    "Measurement",
    "NeuralMap",
    "NeuralODE",
    "NeuralSDE",
    "NonlinearStateSpace",
    "PatchTransformer",
    "Persistence",
    "Perturbed",
    "Pieces",
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

__getattr__, __dir__ = names_of(__name__, _WHERE)
