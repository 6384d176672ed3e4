"""Rollout: a model's steps chained in one compiled scan."""

import math

import jax
import jax.numpy as jnp
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.errors import ArgumentError
from dynlearn.models._model import AbstractModel, AbstractWholePath, State
from dynlearn.models._state_space import AbstractStateSpace
from dynlearn.numerics.distributions import Distribution
from dynlearn.trajectories.sampling import sampling

MOST_PIECES = 4096


def rollout(
    model: AbstractModel,
    state: State,
    control: Float[Array, "instant control"],
    time: Float[Array, " instant"],
    interval: Float[Array, "instant-1"],
    *,
    key: Key[Array, ""] | None = None,
    pieces: int = 1,
) -> tuple[State, Distribution]:
    """States and output distributions at instants 1..horizon, from `state` at instant 0.

    Row k of `control` is applied from instant k to k+1; the last row only matters for linear hold
    and for outputs that feed the control through. `key=None` follows the mean path. Every interval
    is crossed in `pieces` equal steps (`pieces_needed`).
    """
    if isinstance(model, AbstractWholePath) and model.whole_paths:
        states = model.path(state, control, time, interval, key=key)
        return states, jax.vmap(model.observe)(states, control[1:])
    ends = (
        jnp.stack([control[:-1], control[1:]], axis=1) if model.signature.hold == "linear" else control[:-1]
    )
    keys = None if key is None else jax.random.split(key, interval.shape[0])

    def body(state, now):
        u, u_next, t, dt, k = now
        state = cross(model, state, u, t, dt, key=k, pieces=pieces)
        return state, (state, model.observe(state, u_next))

    return jax.lax.scan(body, state, (ends, control[1:], time[:-1], interval, keys))[1]


def cross(
    model: AbstractModel,
    state: State,
    control: Float[Array, "*ends control"],
    time: Float[Array, ""],
    interval: Float[Array, ""],
    *,
    key: Key[Array, ""] | None = None,
    pieces: int = 1,
) -> State:
    """The state `interval` later, in `pieces` equal steps of the model."""
    if pieces == 1:
        return model.step(state, control, time, interval, key=key)
    dt = interval / pieces

    def body(state, j):
        u = control
        if model.signature.hold == "linear":
            u = control[0] + jnp.stack([j, j + 1])[:, None] / pieces * (control[1] - control[0])
        k = None if key is None else jax.random.fold_in(key, j)
        return model.step(state, u, time + j * dt, dt, key=k), None

    return jax.lax.scan(body, state, jnp.arange(pieces))[0]


def pieces_needed(model: AbstractModel, interval: float) -> int:
    """How many steps of at most `signature.longest_step` cross `interval`; a power of two, to compile seldom.

    A fixed-step solver that was trained on intervals of 0.1 s says nothing true about one step of 10 s.
    """
    longest = model.signature.longest_step
    if longest is None or interval <= longest * (1 + 1e-3):
        return 1
    pieces = 2 ** math.ceil(math.log2(interval / longest))
    if pieces > MOST_PIECES:
        unit = model.signature.time_unit and f" {model.signature.time_unit}"
        raise ArgumentError(
            f"times: an interval of {interval:g}{unit} takes over {MOST_PIECES} steps of "
            f"{longest:g}, the longest this model was fitted to; use instants closer together, fit to data with such "
            f"intervals, or take a model that crosses any (dl.solvers.Adaptive() in a NeuralODE, a linear one)."
        )
    return pieces


def for_intervals_of(model: AbstractModel, ds: xr.Dataset) -> AbstractModel:
    """The model, in steps fine enough to filter over the longest interval of `ds`."""
    if not isinstance(model, AbstractStateSpace):
        return model
    pieces = pieces_needed(model, sampling(ds).largest or 0.0)
    return model if pieces == 1 else model.finer(pieces)
