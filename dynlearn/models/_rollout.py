"""Rollout: a model's steps chained in one compiled scan."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.models._model import AbstractModel, State
from dynlearn.numerics.distributions import Distribution


def rollout(
    model: AbstractModel,
    state: State,
    control: Float[Array, "horizon+1 control"],
    time: Float[Array, "horizon+1"],
    interval: Float[Array, " horizon"],
    *,
    key: Key[Array, ""] | None = None,
) -> tuple[State, Distribution]:
    """States and output distributions at instants 1..horizon, from `state` at instant 0.

    Row k of `control` is applied from instant k to k+1; the last row only matters for linear hold
    and for outputs that feed the control through. `key=None` follows the mean path.
    """
    ends = (
        jnp.stack([control[:-1], control[1:]], axis=1) if model.signature.hold == "linear" else control[:-1]
    )
    keys = None if key is None else jax.random.split(key, interval.shape[0])

    def body(state, now):
        u, u_next, t, dt, k = now
        state = model.step(state, u, t, dt, key=k)
        return state, (state, model.observe(state, u_next))

    return jax.lax.scan(body, state, (ends, control[1:], time[:-1], interval, keys))[1]
