"""impute: missing outputs filled by what the whole run says of them."""

from typing import NamedTuple

import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.checks.fitted import check_fitted
from dynlearn.contract.state_space import AbstractStateSpace
from dynlearn.filtering.contract import AbstractInference
from dynlearn.inference import _dataset, _outputs, border
from dynlearn.inference.methods import Method, process_of
from dynlearn.numerics import precision
from dynlearn.numerics.keys import as_key, of_runs
from dynlearn.numerics.precision import compiled
from dynlearn.trajectories import schema
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.window import Window


@one_call
def impute(
    model: AbstractStateSpace,
    ds: xr.Dataset,
    samples: int = 0,
    method: Method = None,
    key: int | Key[Array, ""] = 0,
) -> xr.Dataset:
    r"""The dataset with every missing output replaced by its mean given all that was measured in the run.

        output_kj = E[y_kj | measured],    output_scale_kj = its standard deviation, 0 where it was measured

    Where noises are correlated, the outputs measured at the same instant speak of the missing one
    through its noise as well as through the state.

    Args:
        model: a fitted state-space model, e.g. a `LinearStateSpace`.
        ds: trajectories under the schema, with the model's outputs and controls.
        samples: joint draws of all missing values of a run.
        method: as in `dl.filter`.
        key: an int or a JAX key.

    Returns:
        `ds` with `output` filled (measured values bit for bit as they were), `output_scale`, and
        with `samples` the variable `output_draws` with a `sample` dimension.

    Raises:
        ArgumentError: a model without a state to infer or that was not fitted; a method that does
            not fit it; data of other names, units or sampling.
        DivergedError: a law that is not finite, and where.

    >>> import dynlearn as dl
    >>> from dynlearn.models import LinearStateSpace, Signature
    >>> walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[0.01]], "P0": [[100.0]]}
    >>> model = LinearStateSpace.from_matrices(Signature(("y",), interval=1.0), walk)
    >>> ds = dl.from_arrays([[[0.0], [np.nan], [4.0]]], dt=1.0, output_names=["y"])
    >>> full = dl.impute(model, ds)
    >>> full["output"].values.ravel().round(2), full["output_scale"].values.ravel().round(2)
    (array([0., 2., 4.]), array([0.  , 0.72, 0.  ]))
    """
    model, chosen = border.check("impute", model, ds, method)
    check_fitted("impute", model)
    samples = border.check_samples(samples)
    keys = of_runs(as_key(key), schema.run_ids(ds))
    with precision.float64():
        double, runs = border.on_device(model, ds, chosen)
        found = border.cut(_imputed(double, runs, chosen, samples, keys), ds)
    border.check_finite("impute", ds, found.mean + found.scale)
    measured = np.isfinite(ds["output"].transpose(*_dataset.DIMS["output"]).values)
    named = {"output_scale": ("output", np.where(measured, 0.0, found.scale))}
    if samples:
        named["output_draws"] = ("output", found.draws)
    extra = _dataset.beside(model, ds, named)
    values = extra["output"].transpose(*_dataset.DIMS["output"])
    filled = np.where(measured | ~border.inside(ds)[..., None], values, found.mean)
    result = ds.assign({name: extra[name].variable for name in named})
    result["output"] = (_dataset.DIMS["output"], filled.astype(values.dtype), ds["output"].attrs)
    if samples:
        original = values.variable.values
        draws = result["output_draws"].transpose("sample", *_dataset.DIMS["output"])
        result["output_draws"] = (draws.dims, np.where(measured, original, draws.values))
    return validate(result)


class Found(NamedTuple):
    mean: Float[Array, "*run time output"]
    scale: Float[Array, "*run time output"]
    draws: Float[Array, "*run sample time output"] | None


@compiled
def _imputed(
    model: AbstractStateSpace, runs: Window, method: AbstractInference, samples: int, keys: Key[Array, " run"]
) -> Found:
    def one(run: Window, key: Key[Array, ""]) -> Found:
        for_states, for_outputs = jax.random.split(key)
        process = process_of(model, run, method)
        now, paths = method.smooth(process, samples, for_states)
        moments = _outputs.missing(model, process, now)
        if not samples:
            return Found(*moments, None)
        draws = jax.vmap(process.draw)(paths, jax.random.split(for_outputs, samples))
        return Found(*moments, model.scaling.output_inverse(draws))

    return _outputs.over_runs(
        one, runs, keys, lambda run, key: method.filter(process_of(model, run, method), key)
    )
