"""Exact inference in linear Gaussian chains."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Key

from dynlearn.numerics import kalman
from dynlearn.numerics.distributions import Mixture, MultivariateGaussian
from dynlearn.numerics.filtering._contract import AbstractInference, AbstractProcess, Filtered, Smoothed
from dynlearn.numerics.plain import plain


class Exact(AbstractInference):
    """The Kalman filter and the Rauch-Tung-Striebel smoother, for linear Gaussian models.

    Args:
        parallel: associative scans over time instead of sequential ones: faster on an accelerator,
            not on a CPU. They need noise in every measurement, and lose digits to wide priors.

    References: Kalman 1960; Rauch, Tung, Striebel 1965; Bierman, "Factorization methods for discrete
    sequential estimation", 1977; Frühwirth-Schnatter, "Data augmentation and dynamic linear models", 1994.
    """

    parallel: bool = eqx.field(static=True, converter=plain, default=False)

    @property
    def takes(self) -> type[AbstractProcess]:
        return kalman.Chain

    def filter(self, process: kalman.Chain, key: Key[Array, ""]) -> Filtered:
        found = kalman.run_filter(process, parallel=self.parallel)
        return Filtered(single(found.predicted), single(found.filtered), found.log_density)

    def smooth(self, process: kalman.Chain, samples: int, key: Key[Array, ""]) -> Smoothed:
        found = kalman.run_filter(process, parallel=self.parallel)
        back = kalman.run_smoother(process, found, parallel=self.parallel).smoothed
        draws = jnp.zeros((0, *back.mean.shape), back.mean.dtype)
        if samples:
            draws = kalman.draw_paths(process, found, samples, key)
        return Smoothed(single(back), draws)


def single(beliefs: kalman.Beliefs) -> Mixture:
    """One Gaussian per sample, as a mixture of one component."""
    return Mixture(MultivariateGaussian(beliefs.mean[:, None], beliefs.chol[:, None]))
