"""The density of measured outputs, on the device: what a fit maximises."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.models._linear_gaussian import AbstractLinearGaussian, chain
from dynlearn.numerics.kalman import run_filter
from dynlearn.numerics.window import Window


def log_density(
    model: AbstractLinearGaussian, run: Window, *, parallel: bool = False
) -> Float[Array, " time"]:
    r"""log p(y_k | y_0 .. y_{k-1}) of every sample of one run (no batch axes), in physical units.

    Entries that were not measured, and samples of the padding, contribute 0. Differentiable in the
    model; batch it with `jax.vmap`. In scaled units the density is larger by the product of the
    scales of the entries measured, which is taken off here.
    """
    scaled = run_filter(chain(model, run), parallel=parallel).log_density
    return scaled - jnp.where(run.observed, jnp.log(model.scaling.output_scale), 0).sum(-1)


def total(model: AbstractLinearGaussian, runs: Window, *, parallel: bool = False) -> Float[Array, " run"]:
    """The log-likelihood of every run."""
    return jax.vmap(lambda run: log_density(model, run, parallel=parallel).sum())(runs)
