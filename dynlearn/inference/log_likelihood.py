"""log_likelihood: how probable a model makes every run."""

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.state_space import AbstractStateSpace
from dynlearn.filtering.contract import AbstractInference
from dynlearn.inference import _outputs, border
from dynlearn.inference.density import log_density
from dynlearn.inference.methods import Method, process_of
from dynlearn.numerics import precision
from dynlearn.numerics.keys import as_key, of_runs
from dynlearn.numerics.precision import compiled
from dynlearn.trajectories import schema
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.window import Window


@one_call
def log_likelihood(
    model: AbstractStateSpace,
    ds: xr.Dataset,
    method: Method = None,
    key: int | Key[Array, ""] = 0,
) -> xr.DataArray:
    """log p(y_0, .., y_T) of the measured outputs of every run, in nats, for outputs in their physical units.

    The state is integrated out, exactly where the model is linear and Gaussian, otherwise as
    `method` approximates it (the amortised one from below). Outputs that were not measured, wholly
    or in part, are left out of the density, not filled. Computed in float64 whatever the session's
    precision is. The device-level form, to differentiate, is `dl.inference.log_density`.

    Args:
        model: a state-space model, fitted or not.
        ds: trajectories under the schema, with the model's outputs and controls.
        method: as in `dl.filter`.
        key: an int or a JAX key, for methods that draw.

    Returns:
        A DataArray over `trajectory`; -inf where the model rules the data out. In other units of the
        outputs it differs by a constant per measured value.

    Raises:
        ArgumentError, DivergedError: as in `dl.filter`.

    Reference: Schweppe, "Evaluation of likelihood functions for Gaussian signals", IEEE Trans. Inf. Theory 1965.

    >>> import dynlearn as dl
    >>> from dynlearn.models import LinearStateSpace, Signature
    >>> white = {"A": [[0.0]], "C": [[0.0]], "Q": [[0.0]], "R": [[1.0]]}
    >>> model = LinearStateSpace.from_matrices(Signature(("y",), interval=1.0), white)
    >>> ds = dl.from_arrays([[[0.0], [np.nan], [2.0]]], dt=1.0, output_names=["y"])
    >>> float(dl.log_likelihood(model, ds)[0].round(6))  # two standard normal values: -log(2 pi) - 4 / 2
    -3.837877
    """
    model, chosen = border.check("log_likelihood", model, ds, method)
    ids = np.asarray(schema.run_ids(ds), dtype=object)
    with precision.float64():
        double, groups, which = border.groups_on_device(model, ds, chosen)
        found = np.empty(ds.sizes["trajectory"])
        for runs, these in zip(groups, which, strict=True):
            each = _total(double, runs, chosen, of_runs(as_key(key), ids[these]))
            found[these] = np.asarray(each)[: len(these)]
    if np.isnan(found).any():
        lost = np.isnan(found)[:, None, None] & border.inside(ds)[..., None]
        border.check_finite("log_likelihood", ds, np.where(lost, np.nan, 0.0))
    return xr.DataArray(
        found, {"trajectory": ds["trajectory"].values}, ("trajectory",), name="log_likelihood"
    )


@compiled
def _total(
    model: AbstractStateSpace, runs: Window, method: AbstractInference, keys: Key[Array, " run"]
) -> Float[Array, " run"]:
    def one(run: Window, key: Key[Array, ""]) -> Float[Array, ""]:
        return jnp.sum(log_density(model, run, method=method, key=key))

    return _outputs.over_runs(
        one, runs, keys, lambda run, key: method.filter(process_of(model, run, method), key)
    )
