"""Vector fields, diffusions and one-step maps: learned in scaled units, or given in physical ones.

Each is called as `field(time, x, u, s, scaling)` with the scaled state, control and static features
of one run. Fields return what the scaled state does per unit of physical time, maps the next state.
"""

import inspect
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.errors import ArgumentError
from dynlearn.models._absolute_time import AbstractTimed
from dynlearn.models._networks import portable
from dynlearn.models._scaling import Scaling
from dynlearn.numerics.resolution import reads

Function = Callable[..., Float[Array, " state"]]
"""f(t, x, u, s) in physical units; a plain function or an Equinox module."""


class LearnedField(eqx.Module):
    """network(x, u, s) / time_scale: of order one where the data change by a standard deviation in that time."""

    network: eqx.nn.MLP

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        return self.network(jnp.concatenate([x, u, s])) / scaling.time_scale


class LearnedDiffusion(eqx.Module):
    """softplus(network(x, u, s)) / sqrt(time_scale), one standard deviation per state."""

    network: eqx.nn.MLP

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        return jax.nn.softplus(self.network(jnp.concatenate([x, u, s]))) / jnp.sqrt(scaling.time_scale)


class ConstantDiffusion(eqx.Module):
    """softplus(raw) / sqrt(time_scale): the same everywhere."""

    raw: Float[Array, " state"]

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        return jax.nn.softplus(self.raw) / jnp.sqrt(scaling.time_scale)


class LearnedMap(eqx.Module):
    """x + network(x, u, s)."""

    network: eqx.nn.MLP

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        return x + self.network(jnp.concatenate([x, u, s]))


class GivenField(AbstractTimed):
    """A function f(t, x, u, s) of the user's own, everything in physical units.

    Of the state, the first entries are the outputs; further ones are in units of the function's own.
    """

    function: Function
    reads_time: bool = eqx.field(static=True, default=True)

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        mean, scale = state_scaling(scaling, x.shape[0])
        physical = scaling.control_inverse(u), scaling.static_inverse(s)
        return self.function(time, mean + scale * x, *physical) / scale


class GivenMap(AbstractTimed):
    """A map X' = F(t, X, u, s) of the user's own, everything in physical units."""

    function: Function
    reads_time: bool = eqx.field(static=True, default=True)

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        mean, scale = state_scaling(scaling, x.shape[0])
        physical = scaling.control_inverse(u), scaling.static_inverse(s)
        return (self.function(time, mean + scale * x, *physical) - mean) / scale


def state_scaling(scaling: Scaling, states: int) -> tuple[Float[Array, " state"], Float[Array, " state"]]:
    """Mean and scale of (outputs, hidden states): hidden ones are as they are."""
    hidden = states - scaling.output_mean.shape[0]
    zero = jnp.zeros(hidden, scaling.output_mean.dtype)
    return jnp.concatenate([scaling.output_mean, zero]), jnp.concatenate([scaling.output_scale, zero + 1])


def given(what: str, function: object, states: int, controls: int, statics: int) -> GivenField:
    """`function` as a field, once it is sure that it takes and returns what it should."""
    expected = f"{what}: expected a function f(t, x, u, s) of {states} states with {states} values"
    if not callable(function):
        raise ArgumentError(f"{expected}, got {function!r:.100}.")
    try:
        inspect.signature(function).bind(*"txus")
    except TypeError as error:
        raise ArgumentError(f"{expected}; it cannot be called with four arguments: {error}.") from error
    dtype = jnp.result_type(float)
    shapes = [jax.ShapeDtypeStruct(shape, dtype) for shape in ((), (states,), (controls,), (statics,))]
    found = eqx.filter_eval_shape(function, *shapes)
    if getattr(found, "shape", None) != (states,):
        raise ArgumentError(f"{expected}, got {getattr(found, 'shape', type(found).__name__)} back.")
    return GivenField(portable(function), reads(function, 0, *(shape.shape for shape in shapes)))
