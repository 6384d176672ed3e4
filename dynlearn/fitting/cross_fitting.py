"""Cross-fitting: how a closed-form fit forecasts data it has not seen, where no other data are given."""

import dataclasses
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Int

from dynlearn.contract.model import AbstractModel
from dynlearn.errors import FitError
from dynlearn.fitting.examples import Examples
from dynlearn.fitting.forecast_errors import DIVERGED, WINDOWS, ForecastErrors, error, longest
from dynlearn.numerics import precision
from dynlearn.numerics.precision import compiled
from dynlearn.references import cites
from dynlearn.trajectories.device.fold import folded
from dynlearn.trajectories.device.to_device import to_device
from dynlearn.trajectories.schema import run_lengths
from dynlearn.trajectories.verbs.gather import gather
from dynlearn.trajectories.window import Window

Refit = Callable[[Window], AbstractModel | None]
"""The same fit of other runs (on the device, in float64), in closed form; None where they do not determine it."""
FOLDS = 5
"""More of them change little, and each costs a fit."""
FEWEST = 3
"""Parts that are forecast at all, below which they do not stand for the whole."""


@cites("stone1974cross")
def errors_left_out(
    model: AbstractModel, ds: xr.Dataset, refit: Refit, horizon: int
) -> ForecastErrors | None:
    """Forecast errors on every part of `ds`, of the model fitted to the other parts.

    In-sample errors of a fit are smaller than those to come, most of all where the system integrates: the
    regression takes a random walk's wandering for a return to its mean. A part from which the forecasts diverge is
    set aside: what remains did not determine the model. None where that, or too little data, leaves too few parts.

    Reference: Stone, "Cross-validatory choice and assessment of statistical predictions", JRSS B 36, 1974.
    """
    parts = _parts(ds, model.required + horizon)
    fold = np.arange(parts.sizes["trajectory"]) % FOLDS
    pieces = folded(parts, model.required)  # all that a transition reads
    left_out = fold[pieces.run]
    with precision.float64():
        runs = to_device(pieces.ds) if fold.any() else None
    # Samples that are not valid enter no regression: what is left out is marked, and nothing copied.
    refitted = [] if runs is None else [refit(_only(runs, left_out != i)) for i in range(fold.max() + 1)]
    del runs
    if not refitted or any(found is None for found in refitted):
        return None
    try:
        examples = Examples.of(model, parts, longest(model, parts, horizon), "calibration")
    except FitError:  # the stretches are too short to start from
        return None
    chosen = examples.evenly(WINDOWS)
    windows = examples.filled(chosen)
    of = fold[np.asarray(examples.origin)[np.asarray(examples.run)[chosen]]]
    arrays, rest = zip(*(eqx.partition(found, eqx.is_array) for found in refitted), strict=True)
    together = jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *arrays)
    every = np.pad(of, (0, windows.valid.shape[0] - of.size), mode="edge")
    residual, lead = _residuals(together, rest[0], jnp.asarray(every), windows)
    found = ForecastErrors.cut(residual, lead, windows, examples, of.size)
    return _followed(found, of)


def _only(runs: Window, which: Bool[np.ndarray, " run"]) -> Window:
    """With no other runs valid."""
    return dataclasses.replace(runs, valid=jnp.asarray(np.asarray(runs.valid) & which[:, None]))


def _followed(errors: ForecastErrors, fold: np.ndarray) -> ForecastErrors | None:
    """Those of the parts whose forecasts stay near the data; None if they are too few to stand for all."""
    square = np.where(errors.measured, np.square(errors.residual, dtype=float), 0.0)
    kept = [
        i for i in np.unique(fold) if square[fold == i].sum() <= DIVERGED * errors.measured[fold == i].sum()
    ]
    if len(kept) < FEWEST:
        return None
    followed = ForecastErrors(*(values[np.isin(fold, kept)] for values in errors))
    return None if followed.few.any() else followed


@compiled
def _residuals(models: AbstractModel, rest: AbstractModel, fold: Int[Array, " window"], windows: Window):
    def one(i, window):
        return error(eqx.combine(jax.tree.map(lambda leaf: leaf[i], models), rest), window)

    return jax.vmap(one)(fold, windows)


def _parts(ds: xr.Dataset, length: int) -> xr.Dataset:
    """The runs, or where they are fewer than `FOLDS`, equal parts of them, of `length` samples if three are so long."""
    lengths = run_lengths(ds)
    wanted = -(-FOLDS // len(lengths))
    count = np.minimum(np.clip(lengths // length, min(FEWEST, wanted), wanted), lengths)
    rows = np.repeat(np.arange(len(lengths)), count)
    part = np.arange(rows.size) - np.repeat(np.cumsum(count) - count, count)
    starts, ends = (np.rint(lengths[rows] / count[rows] * k).astype(int) for k in (part, part + 1))
    return gather(ds, rows, starts, ends - starts, np.arange(rows.size))
