"""Inference: what a state-space model says of the states and outputs behind the measurements."""

from typing import TYPE_CHECKING

from dynlearn.inference.filter import filter
from dynlearn.inference.impute import impute
from dynlearn.inference.log_likelihood import log_likelihood
from dynlearn.inference.smooth import smooth
from dynlearn.on_use import names_of

if TYPE_CHECKING:  # what the names below are, for type checkers and editors
    from dynlearn.filtering.methods.amortised import Amortised
    from dynlearn.filtering.methods.collapsed import Collapsed
    from dynlearn.filtering.methods.ensemble import EnsembleKalman
    from dynlearn.filtering.methods.enumerated import Enumerated
    from dynlearn.filtering.methods.exact import Exact
    from dynlearn.filtering.methods.gaussian import Extended, Unscented
    from dynlearn.filtering.methods.particle import Particle
    from dynlearn.inference.density import log_density, log_joint
    from dynlearn.inference.methods import METHODS

_WHERE = {
    "Amortised": "dynlearn.filtering.methods.amortised",
    "Collapsed": "dynlearn.filtering.methods.collapsed",
    "EnsembleKalman": "dynlearn.filtering.methods.ensemble",
    "Enumerated": "dynlearn.filtering.methods.enumerated",
    "Exact": "dynlearn.filtering.methods.exact",
    "Extended": "dynlearn.filtering.methods.gaussian",
    "METHODS": "dynlearn.inference.methods",
    "Particle": "dynlearn.filtering.methods.particle",
    "Unscented": "dynlearn.filtering.methods.gaussian",
    "log_density": "dynlearn.inference.density",
    "log_joint": "dynlearn.inference.density",
}

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

__getattr__, __dir__ = names_of(__name__, _WHERE)
