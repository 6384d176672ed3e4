"""log_likelihood: how probable a model makes every run."""

import equinox as eqx
import numpy as np
import xarray as xr

from dynlearn.inference import _border
from dynlearn.inference.density import total
from dynlearn.models import AbstractLinearGaussian
from dynlearn.numerics import precision


def log_likelihood(model: AbstractLinearGaussian, ds: xr.Dataset, *, parallel: bool = False) -> xr.DataArray:
    r"""log p(y_0, .., y_T) of the measured outputs of every run, in nats, for outputs in their physical units.

    The state is integrated out exactly, by the Kalman filter. Outputs that were not measured, wholly
    or in part, are left out of the density, not filled. Computed in float64 whatever the session's
    precision is. The device-level form, to differentiate, is `dl.inference.log_density`.

    Args:
        model: a linear Gaussian model, fitted or not.
        ds: trajectories under the schema, with the model's outputs and controls.
        parallel: filter in parallel over time (`dl.filter`).

    Returns:
        A DataArray over `trajectory`. In other units of the outputs it differs by a constant per
        measured value.

    >>> import dynlearn as dl
    >>> from dynlearn.models import LinearStateSpace, Signature
    >>> white = {"A": [[0.0]], "C": [[0.0]], "Q": [[0.0]], "R": [[1.0]]}
    >>> model = LinearStateSpace.from_matrices(Signature(("y",), interval=1.0), white)
    >>> ds = dl.from_arrays([[[0.0], [np.nan], [2.0]]], dt=1.0, output_names=["y"])
    >>> float(dl.log_likelihood(model, ds)[0].round(6))  # two standard normal values: -log(2 pi) - 4 / 2
    -3.837877
    """
    model = _border.check("log_likelihood", model, ds)
    parallel = _border.check_parallel(parallel)
    with precision.float64():
        found = np.asarray(_total(*_border.on_device(model, ds), parallel))
    return xr.DataArray(
        found, {"trajectory": ds["trajectory"].values}, ("trajectory",), name="log_likelihood"
    )


@eqx.filter_jit
def _total(model, runs, parallel: bool):
    return total(model, runs, parallel=parallel)
