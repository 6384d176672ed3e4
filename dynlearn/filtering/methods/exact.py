"""Exact inference in linear Gaussian chains."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Key

from dynlearn.filtering.contract import AbstractInference, AbstractProcess, Filtered, Smoothed
from dynlearn.filtering.kalman import recursions as kalman
from dynlearn.filtering.kalman.chain import Chain
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian
from dynlearn.numerics.distributions.mixture import Mixture
from dynlearn.numerics.plain import plain


class Exact(AbstractInference):
    """The Kalman filter and the Rauch-Tung-Striebel smoother, for linear Gaussian models.

    Args:
        parallel: associative scans over time instead of sequential ones: faster on an accelerator,
            not on a CPU. They need noise in every measurement, and lose digits to wide priors.

    References: Kalman 1960; Rauch, Tung, Striebel 1965; Bierman, "Factorization methods for discrete
    sequential estimation", 1977; Frühwirth-Schnatter, "Data augmentation and dynamic linear models", 1994.

    >>> import dynlearn as dl
    >>> walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[1.0]]}
    >>> model = dl.models.LinearStateSpace.from_matrices(dl.models.Signature(("y",), interval=1.0), walk)
    >>> ds = dl.from_arrays([[[2.0], [1.0]]], dt=1.0, output_names=["y"])
    >>> dl.filter(model, ds, method=Exact())["state_mean"].values.ravel()
    array([1., 1.])
    """

    goes_on: ClassVar[bool] = True
    parallel: bool = eqx.field(static=True, converter=plain, default=False)

    @property
    def references(self) -> tuple[str, ...]:
        """The filter is this package's, the smoother and what runs in parallel are cuthbert's."""
        found = ("kalman1960new", "morf1975square", "rauch1965maximum", "bierman1977factorization")
        parallel = ("yaghoobi2025parallel",) if self.parallel else ()
        return (*found, "fruhwirth1994data", "duffield2026cuthbert", *parallel)

    @property
    def takes(self) -> type[AbstractProcess]:
        return Chain

    def filter(self, process: Chain, key: Key[Array, ""]) -> Filtered:
        found = kalman.run_filter(process, parallel=self.parallel)
        return Filtered(single(found.predicted), single(found.filtered), found.log_density)

    def smooth(self, process: Chain, samples: int, key: Key[Array, ""]) -> Smoothed:
        found = kalman.run_filter(process, parallel=self.parallel)
        back = kalman.run_smoother(process, found, parallel=self.parallel).smoothed
        draws = jnp.zeros((0, *back.mean.shape), back.mean.dtype)
        if samples:
            draws = kalman.draw_paths(process, found, samples, key)
        return Smoothed(single(back), draws)


def single(beliefs: kalman.Beliefs) -> Mixture:
    """One Gaussian per sample, as a mixture of one component."""
    return Mixture(MultivariateGaussian(beliefs.mean[:, None], beliefs.chol[:, None]))
