"""impute: missing outputs filled by what the whole run says of them."""

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
from dynlearn.numerics.conditional_noise import given_measured
from dynlearn.numerics.kalman import draw_paths, run_filter, run_smoother
from dynlearn.numerics.keys import as_key
from dynlearn.numerics.window import Window
from dynlearn.trajectories import validate


def impute(
    model: AbstractLinearGaussian,
    ds: xr.Dataset,
    samples: int = 0,
    key: int | Key[Array, ""] = 0,
) -> xr.Dataset:
    r"""The dataset with every missing output replaced by its mean given all that was measured in the run.

        output_kj = E[y_kj | measured],    output_scale_kj = its standard deviation, 0 where it was measured

    Where noises are correlated, the outputs measured at the same instant speak of the missing one
    through its noise as well as through the state.

    Args:
        model: a fitted linear Gaussian model, e.g. a `LinearStateSpace`.
        ds: trajectories under the schema, with the model's outputs and controls.
        samples: joint draws of all missing values of a run.
        key: an int or a JAX key.

    Returns:
        `ds` with `output` filled (measured values bit for bit as they were), `output_scale`, and
        with `samples` the variable `output_draws` with a `sample` dimension.

    Raises:
        ArgumentError: a model that is not linear Gaussian or was not fitted; data of other names,
            units or sampling.

    >>> import dynlearn as dl
    >>> from dynlearn.models import LinearStateSpace, Signature
    >>> walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[0.01]], "P0": [[100.0]]}
    >>> model = LinearStateSpace.from_matrices(Signature(("y",), interval=1.0), walk)
    >>> ds = dl.from_arrays([[[0.0], [np.nan], [4.0]]], dt=1.0, output_names=["y"])
    >>> full = dl.impute(model, ds)
    >>> full["output"].values.ravel().round(2), full["output_scale"].values.ravel().round(2)
    (array([0., 2., 4.]), array([0.  , 0.72, 0.  ]))
    """
    model = _border.check("impute", model, ds)
    _border.check_fitted("impute", model)
    samples = _border.check_samples(samples)
    with precision.float64():
        found = jax.tree.map(np.asarray, _imputed(*_border.on_device(model, ds), samples, as_key(key)))
    measured = np.isfinite(ds["output"].transpose(*_dataset.DIMS["output"]).values)
    named = {"output_scale": ("output", np.where(measured, 0.0, found.scale))}
    if samples:
        named["output_draws"] = ("output", found.draws)
    extra = _dataset.beside(model, ds, named)
    values = extra["output"].transpose(*_dataset.DIMS["output"])
    filled = np.where(measured | ~_border.inside(ds)[..., None], values, found.mean)
    result = ds.assign({name: extra[name].variable for name in named})
    result["output"] = (_dataset.DIMS["output"], filled.astype(values.dtype), ds["output"].attrs)
    if samples:
        original = values.variable.values
        draws = result["output_draws"].transpose("sample", *_dataset.DIMS["output"])
        result["output_draws"] = (draws.dims, np.where(measured, original, draws.values))
    return validate(result)


class Found(NamedTuple):
    mean: Float[Array, "run time output"]
    scale: Float[Array, "run time output"]
    draws: Float[Array, "run sample time output"]


@eqx.filter_jit
def _imputed(model: AbstractLinearGaussian, runs: Window, samples: int, key: Key[Array, ""]) -> Found:
    def one(run: Window, key) -> Found:
        rows = chain(model, run)
        found = run_filter(rows)
        now = run_smoother(rows, found).smoothed
        M, b, L = jax.vmap(given_measured)(rows.H, rows.d, rows.chol_R, rows.y)
        mean = jnp.einsum("kij,kj->ki", M, now.mean) + b
        spread = _outputs.scale(jnp.concatenate([M @ now.chol, L], axis=-1))
        for_states, for_noise = jax.random.split(key)
        draws = jnp.zeros((0, *mean.shape))
        if samples:
            x = draw_paths(rows, found, samples, for_states)
            e = jax.random.normal(for_noise, (samples, *mean.shape))
            draws = jnp.einsum("kij,skj->ski", M, x) + b + jnp.einsum("kij,skj->ski", L, e)
        scaling = model.scaling
        return Found(
            scaling.output_inverse(mean), scaling.output_scale * spread, scaling.output_inverse(draws)
        )

    return jax.vmap(one)(runs, jax.random.split(key, runs.valid.shape[0]))
