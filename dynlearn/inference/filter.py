"""filter: the state and the next output at every sample, given the past."""

from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from dynlearn.inference import _border, _dataset, _outputs
from dynlearn.models import AbstractLinearGaussian
from dynlearn.models._linear_gaussian import chain
from dynlearn.numerics import precision
from dynlearn.numerics.kalman import run_filter
from dynlearn.numerics.window import Window


def filter(model: AbstractLinearGaussian, ds: xr.Dataset, *, parallel: bool = False) -> xr.Dataset:
    r"""The Kalman filter over every run.

        x_k | y_0 .. y_k ~ N(state_mean, ..),    y_k | y_0 .. y_{k-1} ~ N(output_mean, ..)

    Missing and partly missing outputs, unequal lengths and, in continuous time, uneven intervals are
    exact. Runs are filtered side by side in one compiled program, in float64.

    Args:
        model: a fitted linear Gaussian model, e.g. a `LinearStateSpace`.
        ds: trajectories under the schema, with the model's outputs and controls.
        parallel: an associative scan over time instead of a sequential one: faster on an
            accelerator, not on a CPU. It needs noise in every measurement, and loses digits to wide priors.

    Returns:
        `ds` (outputs, controls, static features) with `state_mean`, `state_scale` (standard
        deviation) given the past and the present sample; `output_mean`, `output_scale`: the
        one-step-ahead forecast of each output, from the past alone; `filtered_mean`,
        `filtered_scale`: of a further measurement at the same instant.

    Raises:
        ArgumentError: a model that is not linear Gaussian or was not fitted; data of other names,
            units or sampling.

    References: Kalman 1960; Bierman, "Factorization methods for discrete sequential estimation", 1977.

    >>> import dynlearn as dl
    >>> from dynlearn.models import LinearStateSpace, Signature
    >>> walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[1.0]], "P0": [[1.0]]}
    >>> model = LinearStateSpace.from_matrices(Signature(("y",), interval=1.0), walk)
    >>> ds = dl.from_arrays([[[2.0], [np.nan], [1.0]]], dt=1.0, output_names=["y"])
    >>> dl.filter(model, ds)["state_mean"].values.ravel()
    array([1., 1., 1.])
    """
    model = _border.check("filter", model, ds)
    _border.check_fitted("filter", model)
    parallel = _border.check_parallel(parallel)
    with precision.float64():
        found = jax.tree.map(np.asarray, _filtered(*_border.on_device(model, ds), parallel))
    kinds = {name: "state" if name.startswith("state") else "output" for name in found._fields}
    return _dataset.beside(model, ds, {name: (kinds[name], getattr(found, name)) for name in kinds})


class Found(NamedTuple):
    state_mean: Float[Array, "run time state"]
    state_scale: Float[Array, "run time state"]
    output_mean: Float[Array, "run time output"]
    output_scale: Float[Array, "run time output"]
    filtered_mean: Float[Array, "run time output"]
    filtered_scale: Float[Array, "run time output"]


@eqx.filter_jit
def _filtered(model: AbstractLinearGaussian, runs: Window, parallel: bool) -> Found:
    def one(run: Window) -> Found:
        rows = chain(model, run)
        found = run_filter(rows, parallel=parallel)
        now = found.filtered
        return Found(
            now.mean,
            _outputs.scale(now.chol),
            *_outputs.marginal(model, rows, found.predicted),
            *_outputs.marginal(model, rows, now),
        )

    return jax.vmap(one)(runs)
