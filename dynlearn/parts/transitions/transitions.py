"""Transitions of nonlinear state-space models: the mean of the next state, and the noise around it.

Called as `(time, x, u, s, scaling)` with scaled control and static features; the state is as it is.
"""

import inspect
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.contract.markers import AbstractTimed
from dynlearn.contract.scaling import Scaling
from dynlearn.errors import ArgumentError, in_short
from dynlearn.parts.cells.cell import AbstractCell
from dynlearn.parts.transitions.linear_systems import Noise

Function = Callable[..., Float[Array, " value"]]
"""f(t, x, u, s): the state as it is, everything else in physical units."""


class BentTransition(eqx.Module):
    """A x + B u + c + network(x, u, s): a linear system that a network bends."""

    A: Float[Array, "state state"]
    B: Float[Array, "state control"]
    c: Float[Array, " state"]
    network: eqx.nn.MLP | None
    """None: linear."""

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        found = self.A @ x + self.B @ u + self.c
        return found if self.network is None else found + self.network(jnp.concatenate([x, u, s]))


class CellTransition(eqx.Module):
    """The map of a recurrent model's cell."""

    cell: AbstractCell

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        return self.cell(x, jnp.concatenate([u, s]))


class GivenTransition(AbstractTimed):
    """A function f(t, x, u, s) of the user's own."""

    function: Function
    reads_time: bool = eqx.field(static=True, default=True)

    def __call__(self, time, x, u, s, scaling: Scaling) -> Array:
        return self.function(time, x, scaling.control_inverse(u), scaling.static_inverse(s))


class ConstantNoise(eqx.Module):
    """The same covariance everywhere."""

    noise: Noise

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, "state state"]:
        return self.noise.chol


class StateNoise(eqx.Module):
    """diag(softplus(network(x, u, s))): one standard deviation per state, that depends on it."""

    network: eqx.nn.MLP

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, "state state"]:
        return jnp.diag(jax.nn.softplus(self.network(jnp.concatenate([x, u, s]))))


class GivenNoise(AbstractTimed):
    """g(t, x, u, s) of the user's own: a standard deviation per state, or a factor (state, noise) of the covariance."""

    function: Function
    reads_time: bool = eqx.field(static=True, default=True)

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, "state rank"]:
        found = self.function(time, x, scaling.control_inverse(u), scaling.static_inverse(s))
        return jnp.diag(found) if found.ndim == 1 else found


def checked(what: str, function: object, arguments: dict[str, tuple[int, ...]], *shapes: tuple) -> Function:
    """`function`, once it is sure that it takes `arguments` (name: shape) and returns one of `shapes` (None: any)."""
    called = ", ".join(arguments)
    wanted = " or ".join(str(tuple("any" if n is None else n for n in shape)) for shape in shapes)
    expected = f"{what}: expected a function ({called}) that returns an array of shape {wanted}"
    if not callable(function):
        raise ArgumentError(f"{expected}, got {function!r:.100}.")
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        raise ArgumentError(
            f"{expected}; it cannot be called with {len(arguments)} arguments: {error}."
        ) from error
    dtype = jnp.result_type(float)
    inputs = [jax.ShapeDtypeStruct(shape, dtype) for shape in arguments.values()]
    try:
        result = eqx.filter_eval_shape(function, *inputs)
    except Exception as error:
        raise ArgumentError(
            f"{expected}; calling it failed: {in_short(error)}. It is compiled by JAX: use jax.numpy instead of "
            f"numpy and float(), and jnp.where instead of if."
        ) from error
    found = getattr(result, "shape", None)
    came = str(found) if found is not None else repr(result)[:60]
    if found is not None and not jnp.issubdtype(result.dtype, jnp.floating):
        raise ArgumentError(f"{expected} of real floating numbers, got {result.dtype} back.")
    fits = [
        found is not None
        and len(found) == len(shape)
        and all(n is None or n == m for n, m in zip(shape, found, strict=True))
        for shape in shapes
    ]
    if not any(fits):
        raise ArgumentError(f"{expected}, got {came} back.")
    return function
