"""The distribution of an output vector. Elementwise, so that a missing entry can be masked."""

from dynlearn.numerics.distributions.counts import Bernoulli, NegativeBinomial, Poisson
from dynlearn.numerics.distributions.gaussian import Gaussian, MultivariateGaussian, square
from dynlearn.numerics.distributions.mixture import Mixture
from dynlearn.numerics.distributions.student_t import StudentT

Distribution = Gaussian | MultivariateGaussian | Mixture | StudentT | Poisson | NegativeBinomial | Bernoulli
"""What `observe` may return."""

__all__ = [
    "Bernoulli",
    "Distribution",
    "Gaussian",
    "Mixture",
    "MultivariateGaussian",
    "NegativeBinomial",
    "Poisson",
    "StudentT",
    "square",
]
