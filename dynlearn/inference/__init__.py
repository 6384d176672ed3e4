"""Inference: what a model with Gaussian noise says of the states and outputs behind the measurements."""

from dynlearn.inference.density import log_density
from dynlearn.inference.filter import filter
from dynlearn.inference.impute import impute
from dynlearn.inference.log_likelihood import log_likelihood
from dynlearn.inference.smooth import smooth

__all__ = ["filter", "impute", "log_density", "log_likelihood", "smooth"]
