"""smooth: the state and the outputs at every sample, given the whole run."""

from typing import NamedTuple

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
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.window import Window


@one_call
def smooth(
    model: AbstractStateSpace,
    ds: xr.Dataset,
    samples: int = 0,
    method: Method = None,
    key: int | Key[Array, ""] = 0,
) -> xr.Dataset:
    """The states and outputs of every run given all of it, and joint draws of the states.

        x_k | y_0 .. y_T ~ (state_mean, state_scale),    state_draws ~ p(x_0, .., x_T | y_0 .. y_T)

    Args:
        model: a fitted state-space model, e.g. a `LinearStateSpace`.
        ds: trajectories under the schema, with the model's outputs and controls.
        samples: joint draws of the whole state path.
        method: as in `dl.filter`.
        key: an int or a JAX key.

    Returns:
        `ds` (outputs, controls, static features) with `state_mean`, `state_scale` (standard
        deviation), `output_mean`, `output_scale`: of a further measurement at each instant, its
        noise drawn anew (`dl.impute` tells of the measurement that is missing); with `samples`,
        `state_draws` with a `sample` dimension. Of a model with regimes also `regime_probability` and
        the likeliest `regime`, a coordinate.

    Raises:
        ArgumentError: a model without a state to infer or that was not fitted; a method that does
            not fit it; data of other names, units or sampling.
        DivergedError: a law that is not finite, and where.

    References: Rauch, Tung, Striebel, "Maximum likelihood estimates of linear dynamic systems", AIAA Journal 1965;
    Särkkä, Svensson, "Bayesian filtering and smoothing", 2nd ed. 2023.

    >>> import numpy as np, dynlearn as dl
    >>> from dynlearn.models import LinearStateSpace, Signature
    >>> walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[1.0]], "P0": [[100.0]]}
    >>> model = LinearStateSpace.from_matrices(Signature(("y",), interval=1.0), walk)
    >>> ds = dl.from_arrays([[[0.0], [np.nan], [4.0]]], dt=1.0, output_names=["y"])
    >>> smoothed = dl.smooth(model, ds, samples=3)
    >>> smoothed["state_mean"].values.ravel().round(2), smoothed["state_draws"].shape
    (array([0.99, 2.  , 3.  ]), (3, 1, 3, 1))
    """
    model, chosen = border.check("smooth", model, ds, method)
    check_fitted("smooth", model)
    samples = border.check_samples(samples)
    keys = of_runs(as_key(key), schema.run_ids(ds))
    with precision.float64():
        double, runs = border.on_device(model, ds, chosen)
        found = border.cut(_smoothed(double, runs, chosen, samples, keys), ds)
    for values in (found.state_mean, found.output_scale):
        border.check_finite("smooth", ds, values)
    named = {
        "state_mean": ("state", found.state_mean),
        "state_scale": ("state", found.state_scale),
        "output_mean": ("output", found.output_mean),
        "output_scale": ("output", found.output_scale),
    }
    if found.regime_probability is not None:
        named["regime_probability"] = ("regime", found.regime_probability)
    if samples:
        named["state_draws"] = ("state", found.state_draws)
    return _dataset.beside(model, ds, named)


class Found(NamedTuple):
    state_mean: Float[Array, "*run time state"]
    state_scale: Float[Array, "*run time state"]
    output_mean: Float[Array, "*run time output"]
    output_scale: Float[Array, "*run time output"]
    state_draws: Float[Array, "*run sample time state"] | None
    regime_probability: Float[Array, "*run time regime"] | None


@compiled
def _smoothed(
    model: AbstractStateSpace, runs: Window, method: AbstractInference, samples: int, keys: Key[Array, " run"]
) -> Found:
    def one(run: Window, key: Key[Array, ""]) -> Found:
        process = process_of(model, run, method)
        now, draws = method.smooth(process, samples, key)
        outputs = _outputs.marginal(model, process, now)
        return Found(now.mean, now.scale, *outputs, draws if samples else None, _dataset.regimes(model, now))

    return _outputs.over_runs(
        one, runs, keys, lambda run, key: method.filter(process_of(model, run, method), key)
    )
