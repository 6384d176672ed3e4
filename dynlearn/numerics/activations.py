"""Activations known by name, so that a model file can name them too."""

import inspect
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike


def tanh(x: Array) -> Array:
    return jnp.tanh(x)


def relu(x: Array) -> Array:
    return jax.nn.relu(x)


def softplus(x: Array) -> Array:
    return jax.nn.softplus(x)


def silu(x: Array) -> Array:
    return jax.nn.silu(x)


def gelu(x: Array) -> Array:
    return jax.nn.gelu(x)


def elu(x: Array) -> Array:
    return jax.nn.elu(x)


def sigmoid(x: Array) -> Array:
    return jax.nn.sigmoid(x)


def sin(x: Array) -> Array:
    return jnp.sin(x)


def identity(x: Array) -> Array:
    return x


ACTIVATIONS: dict[str, Callable] = {
    f.__name__: f for f in (tanh, relu, softplus, silu, gelu, elu, sigmoid, sin, identity)
}
"""Functions of our own: pickle finds them by their names, which it does not JAX's."""

_OURS: dict[Any, Callable] = {
    getattr(home, name): f
    for home in (jnp, jax.nn)
    for name, f in ACTIVATIONS.items()
    if hasattr(home, name) and name != "identity"
}
_OURS[inspect.signature(eqx.nn.MLP).parameters["final_activation"].default] = identity


def portable(module: Any) -> Any:
    """A module of the user's own with the activations of JAX and Equinox replaced by ours, which compute the same."""
    return jax.tree.map(
        lambda leaf: _OURS.get(leaf, leaf) if callable(leaf) and leaf.__hash__ else leaf, module
    )


def inverse_softplus(value: ArrayLike) -> Array:
    """x with log(1 + e^x) = value, for value > 0."""
    value = jnp.asarray(value)
    return value + jnp.log(-jnp.expm1(-value))
