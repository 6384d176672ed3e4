"""The maps of a model for a batch of runs, in physical units: functions of arrays, for `Skeleton.compiled`.

Each takes the model and a tuple of arrays and returns (outputs that carry gradients, others).
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from dynlearn.contract.model import AbstractModel
from dynlearn.contract.rollout import rollout
from dynlearn.numerics.finite import finite
from dynlearn.parts.fields.given import state_scaling
from dynlearn.trajectories.window import Window, cut

Outputs = tuple[tuple[Array, ...], tuple[Array, ...]]


def forecast(model: AbstractModel, inputs: tuple[Array, ...], past: int, pieces: int) -> Outputs:
    """(time, interval, output, control, static) with a run axis -> ((mean, scale), (state known,))."""

    def one(time, interval, output, control, static):
        window = _window(time[:past], interval[: past - 1], output, control[:past], static)
        state = model.infer(cut(window, jnp.zeros((), int), jnp.asarray(past - 1), model.memory, 0))
        ahead = control[past - 1 :], time[past - 1 :], interval[past - 1 :]
        found = rollout(model, state, *ahead, pieces=pieces)[1]
        return (found.mean, found.scale), (finite(state),)

    return jax.vmap(one)(*inputs)


def vector_field(model: Any, inputs: tuple[Array, ...]) -> Outputs:
    """(t, x, u, s) -> ((dx/dt,), ())."""
    return _along(model, model.vector_field, inputs, offset=False)


def diffusion(model: Any, inputs: tuple[Array, ...]) -> Outputs:
    """(t, x, u, s) -> ((standard deviation of dx per square root of time,), ())."""
    return _along(model, model.diffusion, inputs, offset=False)


def step(model: Any, inputs: tuple[Array, ...]) -> Outputs:
    """(t, x, u, s) -> ((the next x,), ())."""

    def flat(t, x, u, s):
        return model.map(t, x, jnp.ravel(u), s, model.scaling)

    return _along(model, flat, inputs, offset=True)


def _along(model: Any, function, inputs: tuple[Array, ...], *, offset: bool) -> Outputs:
    """`function` of scaled arguments, on physical ones."""
    t, x, u, s = inputs
    mean, scale = state_scaling(model.scaling, x.shape[-1])
    scaled = (x - mean) / scale, model.scaling.control(u), model.scaling.static(s)
    found = scale * jax.vmap(function, in_axes=(None, 0, 0, 0))(t, *scaled)
    return (found + mean if offset else found,), ()


def _window(time, interval, output, control, static) -> Window:
    """A run of its own, with the leading axis of a batch of runs."""
    observed = ~jnp.isnan(output)
    zero = jnp.zeros(1, interval.dtype)
    window = Window(
        time=time,
        interval=jnp.concatenate([interval, zero]),
        output=jnp.where(observed, output, 0),
        observed=observed,
        control=control,
        valid=jnp.ones(time.shape, bool),
        static=static,
    )
    return jax.tree.map(lambda leaf: leaf[None], window)
