"""Inference: what a state-space model says of the states and outputs behind the measurements."""

from dynlearn.inference._methods import METHODS
from dynlearn.inference.density import log_density, log_joint
from dynlearn.inference.filter import filter
from dynlearn.inference.impute import impute
from dynlearn.inference.log_likelihood import log_likelihood
from dynlearn.inference.smooth import smooth
from dynlearn.numerics.filtering.amortised import Amortised
from dynlearn.numerics.filtering.collapsed import Collapsed
from dynlearn.numerics.filtering.ensemble import EnsembleKalman
from dynlearn.numerics.filtering.enumerated import Enumerated
from dynlearn.numerics.filtering.exact import Exact
from dynlearn.numerics.filtering.gaussian import Extended, Unscented
from dynlearn.numerics.filtering.particle import Particle

__all__ = [
    "METHODS",
    "Amortised",
    "Collapsed",
    "EnsembleKalman",
    "Enumerated",
    "Exact",
    "Extended",
    "Particle",
    "Unscented",
    "filter",
    "impute",
    "log_density",
    "log_joint",
    "log_likelihood",
    "smooth",
]
