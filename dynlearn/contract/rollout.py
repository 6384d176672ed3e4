"""Rollout: a model's steps chained in one compiled scan."""

import math

import jax
import jax.numpy as jnp
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.markers import AbstractWholePath
from dynlearn.contract.model import AbstractModel, State
from dynlearn.contract.state_space import AbstractStateSpace
from dynlearn.errors import ArgumentError
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

    Args:
        model: any model.
        state: at the first instant, as `infer` gives it.
        control: in physical units, `(instant, control)`.
        time: instants 0..horizon, `(instant,)`, in the model's time unit.
        interval: from each instant to the next, `(instant-1,)`.
        key: draws the path; None follows the mean path.
        pieces: steps of the model per interval.

    Returns:
        The states and the outputs' distributions in physical units, each with the instants 1..horizon in front.

    >>> from dynlearn.rl import PendulumTruth
    >>> upright = jnp.zeros(2)
    >>> times, torque = 0.05 * jnp.arange(4), jnp.zeros((4, 1))
    >>> states, outputs = rollout(PendulumTruth(), upright, torque, times, jnp.diff(times))
    >>> states.shape, outputs.mean[-1]  # cos, sin and rate of an angle that stays 0
    ((3, 2), Array([1., 0., 0.], dtype=float32))
    """
    if isinstance(model, AbstractWholePath) and model.whole_paths:
        states = model.path(state, control, time, interval, key=key)
        return states, jax.vmap(model.observe)(states, control[1:])
    ends = model.signature.hold.over(control)
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
    """The state `interval` later, in `pieces` equal steps of the model.

    Args:
        model: any model.
        state: at `time`, as `infer` or `step` gave it.
        control: in physical units, `(control,)`; with linear hold `(2, control)`, its values at both ends.
        time: the instant of `state`, in the model's time unit.
        interval: to the next instant, in the model's time unit.
        key: draws the path; None follows the mean path.
        pieces: how many steps.

    Returns:
        The state at `time + interval`.

    >>> import dynlearn as dl
    >>> decay = lambda t, x, u, s: -x
    >>> model = dl.models.NeuralODE(dl.models.Signature(("y",)), field=decay, hidden=0, memory=1, key=0)
    >>> run = jax.tree.map(lambda a: a[0], dl.from_arrays([[1.0]], dt=1.0).dyn.to_device())
    >>> cross(model, model.infer(run), jnp.zeros(0), 0.0, 1.0, pieces=4).x  # near 1 / e
    Array([0.367...], dtype=float32)
    """
    if pieces == 1:
        return model.step(state, control, time, interval, key=key)
    dt = interval / pieces

    def body(state, j):
        u = model.signature.hold.part(control, j / pieces, (j + 1) / pieces)
        k = None if key is None else jax.random.fold_in(key, j)
        return model.step(state, u, time + j * dt, dt, key=k), None

    return jax.lax.scan(body, state, jnp.arange(pieces))[0]


def pieces_needed(model: AbstractModel, interval: float) -> int:
    """How many steps of at most `signature.longest_step` cross `interval`; a power of two, to compile seldom.

    A fixed-step solver that was trained on intervals of 0.1 s says nothing true about one step of 10 s.

    Args:
        model: any model.
        interval: to cross, in the model's time unit.

    Returns:
        The number of steps, 1 where the model crosses any interval at once.

    Raises:
        ArgumentError: over `MOST_PIECES` steps.

    >>> import dynlearn as dl
    >>> signature = dl.models.Signature(("y",), longest_step=0.1)
    >>> model = dl.models.NeuralODE(signature, hidden=0, memory=1, width=4, key=0)
    >>> pieces_needed(model, 0.75)
    8
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
    """The model, in steps fine enough to filter over the longest interval of `ds`.

    Args:
        model: any model.
        ds: trajectories in the model's time unit.

    Returns:
        The model itself where its steps are fine enough, or where it is no state-space model.

    Raises:
        ArgumentError: as `pieces_needed`.

    >>> import dynlearn as dl
    >>> ds = dl.from_arrays([[[1.0], [2.0]]], dt=1.0)
    >>> model = dl.models.Persistence.from_data(ds)
    >>> for_intervals_of(model, ds) is model
    True
    """
    if not isinstance(model, AbstractStateSpace):
        return model
    pieces = pieces_needed(model, sampling(ds).largest or 0.0)
    return model if pieces == 1 else model.finer(pieces)
