"""What a gradient fit is judged by on held-out windows, whatever it minimises; the least score is kept."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from dynlearn.contract.markers import AbstractStochastic
from dynlearn.contract.model import AbstractModel
from dynlearn.fitting.examples import predict
from dynlearn.fitting.objectives.energy import energy
from dynlearn.fitting.objectives.multi_step import multi_step
from dynlearn.fitting.objectives.relative_error import relative_error
from dynlearn.on_use import Table
from dynlearn.trajectories.window import Window

FREQUENCIES = 64
"""At which two distributions are compared."""
FAR = 1e3
"""Scaled units: forecasts further off are as bad as this."""

CRITERIA = Table(
    {
        "forecast": "dynlearn.fitting.criteria:forecast",
        "relative": "dynlearn.fitting.criteria:relative",
        "long_run": "dynlearn.fitting.criteria:long_run",
    }
)


def forecast(model: AbstractModel, windows: Window, key: Key[Array, ""]) -> Float[Array, ""]:
    """The error of forecasts, proper for the kind of model: the energy score of drawn paths, or the mean square."""
    score = energy if isinstance(model, AbstractStochastic) else multi_step
    return score(model, windows, key)[0]


def relative(model: AbstractModel, windows: Window, key: Key[Array, ""]) -> Float[Array, ""]:
    """The mean logarithm of the errors of windows (`relative_error`): for data of many systems."""
    return relative_error(model, windows, key)[0]


def long_run(model: AbstractModel, windows: Window, key: Key[Array, ""]) -> Float[Array, ""]:
    r"""How far the distribution of long free runs is from that of the data over the same instants.

        L = mean over lags of d(lag) + rmse over the first fiftieth of the horizon, in scaled units
        d(lag)^2 = mean over w of |E exp(i w . x_k) - E exp(i w . xhat_k)|^2,    x_k = (y_k, y_{k+lag} - y_k)

    The changes x_k holds are divided by their own size in the data, and the frequencies w are drawn from a Student
    law, so that distributions are compared on all scales (a maximum mean discrepancy). Where the outputs are, and how
    they move over 1, 4, 16, ... samples, up to an eighth of the horizon: for a chaotic system the errors of long
    forecasts say nothing; the distribution does. The short error tells models apart that dwell in the same places.

    Reference: Chwialkowski, Ramdas, Sejdinovic, Gretton, "Fast two-sample testing with analytic representations of
    probability measures", NeurIPS 2015.
    """
    past = model.memory
    y = model.scaling.output(windows.output[:, past:])
    found = model.scaling.output(jax.vmap(lambda w: predict(model, w).mean)(windows))
    found = jnp.clip(jnp.nan_to_num(found, nan=FAR, posinf=FAR, neginf=-FAR), -FAR, FAR)
    measured = windows.observed[:, past:]
    horizon = y.shape[1]
    short = max(1, horizon // 50)
    near = jnp.where(measured, y - found, 0)[:, :short]
    rmse = jnp.sqrt(jnp.sum(near**2) / jnp.maximum(measured[:, :short].sum(), 1))
    lags = [lag for lag in (4**i for i in range(6)) if lag <= max(1, horizon // 8)]
    distance = [_apart(y, found, measured, lag) for lag in lags if lag < horizon]
    return jnp.mean(jnp.stack(distance)) + rmse if distance else rmse


def _apart(
    y: Float[Array, "window time output"],
    found: Float[Array, "window time output"],
    measured: Bool[Array, "window time output"],
    lag: int,
) -> Float[Array, ""]:
    """d(lag), over the instants at which all of both was measured."""
    there = (measured[:, :-lag] & measured[:, lag:]).all(-1)
    count = jnp.maximum(there.sum(), 1)
    change = jnp.where(there[..., None], y[:, lag:] - y[:, :-lag], 0)
    size = jnp.maximum(jnp.sqrt(jnp.sum(change**2, (0, 1)) / count), 1e-6)
    for_law, for_tail = jax.random.split(jax.random.fold_in(jax.random.key(0), lag))
    w = jax.random.normal(for_law, (2 * y.shape[-1], FREQUENCIES))
    w = w / jnp.sqrt(jax.random.gamma(for_tail, 1.0, (FREQUENCIES,)))

    def features(x):
        phase = x[:, :-lag] @ w[: x.shape[-1]] + ((x[:, lag:] - x[:, :-lag]) / size) @ w[x.shape[-1] :]
        waves = jnp.stack([jnp.cos(phase), jnp.sin(phase)])
        return jnp.sum(jnp.where(there[..., None], waves, 0), (1, 2)) / count

    return jnp.sqrt(jnp.sum((features(y) - features(found)) ** 2) / FREQUENCIES)
