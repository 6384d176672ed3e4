"""Objectives: what a gradient fit minimises over a batch of windows.

An objective is a function `(model, batch, key) -> (loss, metrics)`; `batch` is a `Window` with a
leading axis, whose first `model.memory` samples are the past and the rest the horizon.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.errors import ArgumentError, check_known
from dynlearn.fitting._examples import predict
from dynlearn.fitting.elbo import elbo
from dynlearn.fitting.expectation import expectation
from dynlearn.fitting.teacher_forcing import forced_and_free, teacher_forcing
from dynlearn.inference import log_density
from dynlearn.models import (
    AbstractContinuous,
    AbstractLinearLatent,
    AbstractModel,
    AbstractStateSpace,
    AbstractStochastic,
    rollout,
)
from dynlearn.numerics.window import Window
from dynlearn.solvers import local_error

Metrics = dict[str, Float[Array, ""]]
Objective = Callable[[AbstractModel, Window, Key[Array, ""]], tuple[Float[Array, ""], Metrics]]


def multi_step(model: AbstractModel, batch: Window, key: Key[Array, ""]) -> tuple[Float[Array, ""], Metrics]:
    r"""Mean squared error of the mean path over the horizon, in scaled units, measured values only.

    L = sum_{k,j} w_kj ((y_kj - yhat_kj) / scale_j)^2 / sum_{k,j} w_kj
    """
    forecast = jax.vmap(lambda w: predict(model, w).mean)(batch)
    loss = _masked_square(model, forecast, batch)
    return loss, {"rmse": jnp.sqrt(loss)}


def likelihood(model: AbstractModel, batch: Window, key: Key[Array, ""]) -> tuple[Float[Array, ""], Metrics]:
    """Negative log-likelihood of each measured output under the mean path's distribution, per value."""
    measured = batch.observed[:, model.memory :]
    y = batch.output[:, model.memory :]
    log_p = jax.vmap(lambda w, y: predict(model, w).log_prob(y))(batch, y)
    loss = -jnp.sum(jnp.where(measured, log_p, 0)) / jnp.maximum(measured.sum(), 1)
    return loss, {}


PATHS = 16
"""Paths drawn per window for the energy score."""


def energy(model: AbstractModel, batch: Window, key: Key[Array, ""]) -> tuple[Float[Array, ""], Metrics]:
    r"""Energy score of drawn paths at each instant, in scaled units, over the outputs measured there.

        ES = mean_i |y_i - y| - 1/2 mean_{i != j} |y_i - y_j|,    y_1 .. y_PATHS drawn, y measured

    Lowest in expectation for the true distribution: it rewards both accuracy and honest spread.
    Gneiting, Raftery 2007.
    """
    scale, k = model.scaling.output_scale, model.memory

    def one(window: Window, key):
        drawn = jax.vmap(lambda i: _draw(model, window, i) / scale)(jax.random.split(key, PATHS))
        measured = window.observed[k:]
        y = window.output[k:] / scale
        near = _norm(drawn - y, measured).mean(0)
        apart = _norm(drawn[:, None] - drawn, measured).sum((0, 1)) / (PATHS * (PATHS - 1))
        return jnp.where(measured.any(-1), near - apart / 2, 0), measured.any(-1)

    score, counted = jax.vmap(one)(batch, jax.random.split(key, batch.output.shape[0]))
    return score.sum() / jnp.maximum(counted.sum(), 1), {}


def locally_regularized(
    model: AbstractModel, batch: Window, key: Key[Array, ""], weight: float = 0.1
) -> tuple[Float[Array, ""], Metrics]:
    r"""Multi-step error plus the solver's own error estimate at one instant per window, drawn at random.

        L = L_multi_step + weight * mean_w |sum_i (b_i - b*_i) k_i(x_w(t_r))| * time_scale,    r uniform

    k_i are the stages of an embedded Runge-Kutta step across that sampling interval. Makes fields that
    few steps can follow. Pal, Edelman, Rackauckas 2023. For models with a vector field.
    """
    if not isinstance(model, AbstractContinuous):
        raise ArgumentError(
            f"objective 'locally_regularized': expected a continuous-time model, got {type(model).__name__}; "
            f"use 'multi_step'."
        )
    k, horizon = model.memory, batch.length - model.memory

    def one(window: Window, key):
        start = model.infer(window[:k])
        ahead = window.control[k - 1 :], window.time[k - 1 :], window.interval[k - 1 : -1]
        later, forecast = rollout(model, start, *ahead)
        states = jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), start, later)
        r = jax.random.randint(key, (), 0, horizon)
        state, now = jax.tree.map(lambda leaf: leaf[r], states), k - 1 + r
        u = model.scaling.control(window.control[now])
        field = lambda t, x, u, _: model.vector_field(t, x, u, state.static)  # noqa: E731
        return forecast.mean, local_error(field, state.x, window.time[now], window.interval[now], u=u)

    forecast, error = jax.vmap(one)(batch, jax.random.split(key, batch.output.shape[0]))
    data, local = _masked_square(model, forecast, batch), error.mean() * model.scaling.time_scale
    return data + weight * local, {"rmse": jnp.sqrt(data), "local_error": local}


def latent_consistency(
    model: AbstractModel, batch: Window, key: Key[Array, ""], weight: float = 0.3
) -> tuple[Float[Array, ""], Metrics]:
    r"""Multi-step error plus the distance between predicted and re-lifted latent states.

        L = L_multi_step + weight * mean_k |A^k z_0 + ... - infer(window ending at k)|^2

    Lusch, Kutz, Brunton 2018. For models with a linear latent state.
    """
    if not isinstance(model, AbstractLinearLatent):
        raise ArgumentError(
            f"objective 'latent_consistency': expected a model with a linear latent state, got {type(model).__name__}; "
            f"use 'multi_step'."
        )
    k, horizon = model.memory, batch.length - model.memory

    def one(window: Window):
        state = model.infer(window[:k])
        states, forecast = rollout(
            model, state, window.control[k - 1 :], window.time[k - 1 :], window.interval[k - 1 : -1]
        )
        ahead = jax.vmap(
            lambda j: jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, j, k), _rows(window))
        )
        later = ahead(jnp.arange(1, horizon + 1))
        lifted = jax.vmap(lambda rows: model.latent(model.infer(_window(rows, window))))(later)
        known = jnp.isfinite(lifted) & window.valid[k:, None]
        gap = jnp.where(known, jax.vmap(model.latent)(states) - jnp.where(known, lifted, 0), 0)
        return forecast.mean, jnp.sum(gap**2), known.sum()

    forecast, square, count = jax.vmap(one)(batch)
    data = _masked_square(model, forecast, batch)
    latent = square.sum() / jnp.maximum(count.sum(), 1)
    return data + weight * latent, {"rmse": jnp.sqrt(data), "latent": latent}


def marginal_likelihood(
    model: AbstractModel, batch: Window, key: Key[Array, ""]
) -> tuple[Float[Array, ""], Metrics]:
    r"""Negative log-likelihood of the horizon given the past, the states integrated out, per measured value.

    L = -sum_{k > past} log p(y_k | y_0 .. y_{k-1}) / count, in scaled units, by one filter over the
    whole window. The past is filtered but not scored: a window that starts in the middle of a run
    does not start from the prior of a run, whose influence the past washes out. Where runs are short
    enough to be filtered whole, `MaximumLikelihood` and `EM` take the exact likelihood of all of them.
    """
    if not isinstance(model, AbstractStateSpace):
        raise ArgumentError(
            f"objective 'marginal_likelihood': expected a state-space model such as LinearStateSpace, got "
            f"{type(model).__name__}; use 'likelihood'."
        )
    scale = jnp.log(model.scaling.output_scale)
    keys = jax.random.split(key, batch.valid.shape[0])
    density = jax.vmap(lambda window, key: log_density(model, window, key=key))(batch, keys)
    density = density[:, model.memory :]
    measured = batch.observed[:, model.memory :]
    scaled = density.sum() + jnp.where(measured, scale, 0).sum()
    return -scaled / jnp.maximum(measured.sum(), 1), {}


OBJECTIVES: dict[str, Objective] = {
    "multi_step": multi_step,
    "likelihood": likelihood,
    "energy": energy,
    "locally_regularized": locally_regularized,
    "latent_consistency": latent_consistency,
    "teacher_forcing": teacher_forcing,
    "forced_and_free": forced_and_free,
    "marginal_likelihood": marginal_likelihood,
    "elbo": elbo,
    "expectation": expectation,
}


def resolve(objective: str | Objective | None, model: AbstractModel) -> Objective:
    """The function of that name, a function of the user's own, or the model's default."""
    chosen: Any = model.objective if objective is None else objective
    if isinstance(chosen, str):
        check_known("objective", [chosen], OBJECTIVES)
        return OBJECTIVES[chosen]
    if not callable(chosen):
        raise ArgumentError(f"objective: expected a name or a function (model, batch, key), got {chosen!r}.")
    return chosen


def validation_score(model: AbstractModel, windows: Window, key: Key[Array, ""]) -> Float[Array, ""]:
    """What a fit is judged by on held-out windows, whatever it minimises: proper for the kind of model."""
    score = energy if isinstance(model, AbstractStochastic) else multi_step
    return score(model, windows, key)[0]


def _draw(model: AbstractModel, window: Window, key: Key[Array, ""]) -> Float[Array, "horizon output"]:
    """The outputs of one random path, measurement noise included."""
    for_path, for_outputs = jax.random.split(key)
    return predict(model, window, key=for_path).sample(for_outputs)


def _norm(error: Float[Array, "*batch output"], measured: Array) -> Float[Array, "*batch"]:
    """Euclidean over the measured outputs; the small term keeps the gradient finite at 0."""
    return jnp.sqrt(jnp.sum(jnp.where(measured, error, 0) ** 2, axis=-1) + 1e-12)


def _masked_square(model: AbstractModel, forecast: Float[Array, "batch horizon output"], batch: Window):
    measured = batch.observed[:, model.memory :]
    error = (batch.output[:, model.memory :] - forecast) / model.scaling.output_scale
    return jnp.sum(jnp.where(measured, error, 0) ** 2) / jnp.maximum(measured.sum(), 1)


def _rows(window: Window) -> dict[str, Array]:
    names = ("time", "interval", "output", "observed", "control", "valid")
    return {name: getattr(window, name) for name in names}


def _window(rows: dict[str, Array], like: Window) -> Window:
    return Window(**rows, static=like.static)
