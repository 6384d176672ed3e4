"""locally_regularized: the squared error, and the solver's own error beside it."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.markers import AbstractContinuous
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.rollout import rollout
from dynlearn.errors import ArgumentError
from dynlearn.fitting.objectives.contract import Metrics
from dynlearn.fitting.objectives.errors import masked_square
from dynlearn.references import cites
from dynlearn.solvers.ode.local_error import local_error
from dynlearn.trajectories.window import Window


@cites("pal2023locally")
def locally_regularized(
    model: AbstractModel, batch: Window, key: Key[Array, ""], weight: float = 0.1
) -> tuple[Float[Array, ""], Metrics]:
    """Multi-step error plus the solver's own error estimate at one instant per window, drawn at random.

        L = L_multi_step + weight * mean_w |sum_i (b_i - b*_i) k_i(x_w(t_r))| * time_scale,    r uniform

    k_i are the stages of an embedded Runge-Kutta step across that sampling interval. Makes fields that
    few steps can follow.

    Args:
        model: one in continuous time, such as a `NeuralODE`.
        batch: windows with a leading batch axis: `model.memory` samples of the past, then the horizon.
        key: of the instants.
        weight: of the error estimate.

    Returns:
        The loss, and the metrics "rmse" of the outputs and "local_error", the estimate.

    Raises:
        ArgumentError: a model in discrete time.

    Reference: Pal, Edelman, Rackauckas, "Locally regularized neural differential equations: some black
    boxes were meant to remain closed!", ICML 2023.

    >>> import dynlearn as dl
    >>> from dynlearn.fitting.examples import Examples
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> model = dl.models.NeuralODE.from_data(ds, hidden=0, memory=1, width=4, key=0)
    >>> batch = Examples.of(model, ds, 5, "train").spread(4)
    >>> sorted(locally_regularized(model, batch, jax.random.key(0))[1])
    ['local_error', 'rmse']
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
    data, local = masked_square(model, forecast, batch), error.mean() * model.scaling.time_scale
    return data + weight * local, {"rmse": jnp.sqrt(data), "local_error": local}
