"""filter: the state and the next output at every sample, given the past."""

from typing import Any, NamedTuple

import jax
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.checks.fitted import check_fitted
from dynlearn.contract.rollout import for_intervals_of
from dynlearn.contract.state_space import AbstractStateSpace
from dynlearn.filtering.contract import AbstractInference
from dynlearn.filtering.methods.particle import Particle
from dynlearn.inference import _dataset, _outputs, _parts, border
from dynlearn.inference.methods import Method, process_of
from dynlearn.numerics import precision
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian
from dynlearn.numerics.keys import as_key, of_runs
from dynlearn.numerics.precision import compiled
from dynlearn.trajectories import schema
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.window import Window


@one_call
def filter(
    model: AbstractStateSpace,
    ds: xr.Dataset,
    method: Method = None,
    key: int | Key[Array, ""] = 0,
) -> xr.Dataset:
    """The states and outputs of every run, from the past alone.

        x_k | y_0 .. y_k ~ (state_mean, state_scale),    y_k | y_0 .. y_{k-1} ~ (output_mean, output_scale)

    Missing and partly missing outputs, unequal lengths and, in continuous time, uneven intervals
    need no preparation. Exact where the model is linear and Gaussian, otherwise by `method`. Runs
    are filtered side by side in one compiled program, in float64; many and long ones some at a time.

    Args:
        model: a fitted state-space model, e.g. a `LinearStateSpace`.
        ds: trajectories under the schema, with the model's outputs and controls.
        method: "exact", "extended", "unscented", "ensemble", "particle", of a model with regimes "collapsed"
            or "enumerated", of one with auxiliary variables "amortised"; an object with settings
            such as `dl.inference.Particle(size=5000)`; or None for the model's own.
        key: an int or a JAX key, for methods that draw.

    Returns:
        `ds` (outputs, controls, static features) with `state_mean`, `state_scale` (standard
        deviation) given the past and the present sample; `output_mean`, `output_scale`: the
        one-step-ahead forecast of each output, from the past alone; `filtered_mean`,
        `filtered_scale`: of a further measurement at the same instant. Of a model with regimes also
        `regime_probability` and the likeliest `regime`, a coordinate; by particles also
        `effective_size`, how many of them still count: near 1, `size` is too small or the model
        does not expect what was measured there.

    Raises:
        ArgumentError: a model without a state to infer or that was not fitted; a method that does
            not fit it; data of other names, units or sampling.
        DivergedError: a law that is not finite, and where.

    Reference: Särkkä, Svensson, "Bayesian filtering and smoothing", 2nd ed. 2023.

    >>> import numpy as np, dynlearn as dl
    >>> from dynlearn.models import LinearStateSpace, Signature
    >>> walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[1.0]], "P0": [[1.0]]}
    >>> model = LinearStateSpace.from_matrices(Signature(("y",), interval=1.0), walk)
    >>> ds = dl.from_arrays([[[2.0], [np.nan], [1.0]]], dt=1.0, output_names=["y"])
    >>> dl.filter(model, ds)["state_mean"].values.ravel()
    array([1., 1., 1.])
    """
    model, chosen = border.check("filter", model, ds, method)
    check_fitted("filter", model)
    keys = of_runs(as_key(key), schema.run_ids(ds))
    with precision.float64():
        found = _found(model, ds, chosen, keys)
    for values in (found.state_mean, found.output_mean, found.filtered_scale):
        border.check_finite("filter", ds, values)
    named = {name: value for name, value in found._asdict().items() if value is not None}
    kinds = {name: name.split("_")[0].replace("filtered", "output") for name in named}
    return _dataset.beside(model, ds, {name: (kinds[name], value) for name, value in named.items()})


class Found(NamedTuple):
    state_mean: Float[Array, "*run time state"]
    state_scale: Float[Array, "*run time state"]
    output_mean: Float[Array, "*run time output"]
    output_scale: Float[Array, "*run time output"]
    filtered_mean: Float[Array, "*run time output"]
    filtered_scale: Float[Array, "*run time output"]
    regime_probability: Float[Array, "*run time regime"] | None
    effective_size: Float[Array, "*run time"] | None


def _found(
    model: AbstractStateSpace, ds: xr.Dataset, method: AbstractInference, keys: Key[Array, " run"]
) -> Any:
    """A `Found` on the host: all at once, or where that would take far more memory than the result, in parts."""
    if _parts.few(ds):
        double, runs = border.on_device(model, ds, method)
        return border.cut(_filtered(double, (runs, None), method, keys)[0], ds)
    double = precision.double(for_intervals_of(model, ds))
    size = _parts.numbers(
        model.signature, lambda run: method.filter(process_of(double, run, method), jax.random.key(0))
    )
    return _parts.found(
        lambda runs, start, keys: _filtered(double, (runs, start), method, keys),
        lambda runs: _prior(double, runs, method),
        border.runs_on_host(ds, model.feedthrough),
        keys,
        size,
        method.goes_on,
    )


@compiled
def _prior(model: AbstractStateSpace, runs: Window, method: AbstractInference) -> MultivariateGaussian:
    """What is known of the first sample of every run before it is measured."""

    def one(run: Window) -> MultivariateGaussian:
        process: Any = process_of(model, run, method)
        return process.prior

    return jax.vmap(one)(runs)


@compiled
def _filtered(
    model: AbstractStateSpace,
    runs: tuple[Window, MultivariateGaussian | None],
    method: AbstractInference,
    keys: Key[Array, " run"],
) -> tuple[Found, MultivariateGaussian | None]:
    """Of runs from their start or, with a belief about the first sample of each, from there on; and where the method
    goes on by it, the belief predicted of the last one.
    """

    def process_from(run: Window, start: MultivariateGaussian | None) -> Any:
        process: Any = process_of(model, run, method)
        return process if start is None else process.going_on(start)

    def one(run: tuple, key: Key[Array, ""]) -> tuple[Found, MultivariateGaussian | None]:
        process = process_from(*run)
        found = method.filter(process, key)
        last = jax.tree.map(lambda leaf: leaf[-1, 0], found.predicted.components) if method.goes_on else None
        return Found(
            found.filtered.mean,
            found.filtered.scale,
            *_outputs.marginal(model, process, found.predicted),
            *_outputs.marginal(model, process, found.filtered),
            _dataset.regimes(model, found.filtered),
            found.filtered.effective_size if isinstance(method, Particle) else None,
        ), last

    return _outputs.over_runs(one, runs, keys, lambda run, key: method.filter(process_from(*run), key))
