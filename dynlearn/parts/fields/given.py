"""Vector fields and maps given by the user, in physical units."""

import inspect
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.contract.markers import AbstractTimed
from dynlearn.contract.scaling import Scaling
from dynlearn.errors import ArgumentError
from dynlearn.numerics.activations import portable
from dynlearn.numerics.resolution import reads

Function = Callable[..., Float[Array, " state"]]
"""f(t, x, u, s) in physical units; a plain function or an Equinox module."""


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
