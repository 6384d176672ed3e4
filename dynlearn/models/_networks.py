"""Networks with activations known by name, so that a model file can name them too."""

import inspect
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from dynlearn.errors import check_known


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


def mlp(
    inputs: int,
    outputs: int,
    width: int,
    depth: int,
    activation: str,
    *,
    key: Key[Array, ""],
    last: float = 1.0,
) -> eqx.nn.MLP:
    """A multilayer perceptron; `last` scales its final layer (small: it starts as nearly zero)."""
    check_known("activation", [activation], ACTIVATIONS)
    sizes = int(inputs), int(outputs), int(width), int(depth)  # plain ones: they become static
    net = eqx.nn.MLP(*sizes, activation=ACTIVATIONS[activation], final_activation=identity, key=key)
    return eqx.tree_at(lambda n: n.layers[-1], net, jax.tree.map(lambda leaf: last * leaf, net.layers[-1]))
