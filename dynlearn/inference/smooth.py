"""smooth: the state and the outputs at every sample, given the whole run."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.inference import _border, _dataset, _outputs
from dynlearn.models import AbstractLinearGaussian
from dynlearn.models._linear_gaussian import chain
from dynlearn.numerics import precision
from dynlearn.numerics.kalman import draw_paths, run_filter, run_smoother
from dynlearn.numerics.keys import as_key
from dynlearn.numerics.window import Window


def smooth(
    model: AbstractLinearGaussian,
    ds: xr.Dataset,
    samples: int = 0,
    key: int | Key[Array, ""] = 0,
    *,
    parallel: bool = False,
) -> xr.Dataset:
    r"""The Rauch-Tung-Striebel smoother over every run, and joint draws of the states.

        x_k | y_0 .. y_T ~ N(state_mean, ..),    state_draws ~ p(x_0, .., x_T | y_0 .. y_T)

    Args:
        model: a fitted linear Gaussian model, e.g. a `LinearStateSpace`.
        ds: trajectories under the schema, with the model's outputs and controls.
        samples: joint draws of the whole state path.
        key: an int or a JAX key.
        parallel: in parallel over time, as in `dl.filter`.

    Returns:
        `ds` (outputs, controls, static features) with `state_mean`, `state_scale` (standard
        deviation), `output_mean`, `output_scale`: of a further measurement at each instant, its
        noise drawn anew (`dl.impute` tells of the measurement that is missing); with `samples`,
        `state_draws` with a `sample` dimension.

    Raises:
        ArgumentError: a model that is not linear Gaussian or was not fitted; data of other names,
            units or sampling.

    References: Rauch, Tung, Striebel 1965; Park, Kailath, "Square-root RTS smoothing algorithms",
    1995; Frühwirth-Schnatter, "Data augmentation and dynamic linear models", 1994.

    >>> import dynlearn as dl
    >>> from dynlearn.models import LinearStateSpace, Signature
    >>> walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[1.0]], "P0": [[100.0]]}
    >>> model = LinearStateSpace.from_matrices(Signature(("y",), interval=1.0), walk)
    >>> ds = dl.from_arrays([[[0.0], [np.nan], [4.0]]], dt=1.0, output_names=["y"])
    >>> smoothed = dl.smooth(model, ds, samples=3)
    >>> smoothed["state_mean"].values.ravel().round(2), smoothed["state_draws"].shape
    (array([0.99, 2.  , 3.  ]), (3, 1, 3, 1))
    """
    model = _border.check("smooth", model, ds)
    _border.check_fitted("smooth", model)
    samples, parallel = _border.check_samples(samples), _border.check_parallel(parallel)
    with precision.float64():
        device = _border.on_device(model, ds)
        found = jax.tree.map(np.asarray, _smoothed(*device, samples, as_key(key), parallel))
    named = {
        "state_mean": ("state", found.state_mean),
        "state_scale": ("state", found.state_scale),
        "output_mean": ("output", found.output_mean),
        "output_scale": ("output", found.output_scale),
    }
    if samples:
        named["state_draws"] = ("state", found.state_draws)
    return _dataset.beside(model, ds, named)


class Found(NamedTuple):
    state_mean: Float[Array, "run time state"]
    state_scale: Float[Array, "run time state"]
    output_mean: Float[Array, "run time output"]
    output_scale: Float[Array, "run time output"]
    state_draws: Float[Array, "run sample time state"]


@eqx.filter_jit
def _smoothed(
    model: AbstractLinearGaussian, runs: Window, samples: int, key: Key[Array, ""], parallel: bool
) -> Found:
    def one(run: Window, key) -> Found:
        rows = chain(model, run)
        found = run_filter(rows, parallel=parallel)
        now = run_smoother(rows, found, parallel=parallel).smoothed
        draws = draw_paths(rows, found, samples, key) if samples else jnp.zeros((0, *now.mean.shape))
        return Found(now.mean, _outputs.scale(now.chol), *_outputs.marginal(model, rows, now), draws)

    return jax.vmap(one)(runs, jax.random.split(key, runs.valid.shape[0]))
