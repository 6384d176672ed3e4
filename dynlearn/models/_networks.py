"""Networks with activations known by name, so that a model file can name them too."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from dynlearn.errors import check_known


def identity(x: Array) -> Array:
    return x


ACTIVATIONS: dict[str, Callable] = {
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "softplus": jax.nn.softplus,
    "silu": jax.nn.silu,
    "gelu": jax.nn.gelu,
    "elu": jax.nn.elu,
    "sigmoid": jax.nn.sigmoid,
    "sin": jnp.sin,
    "identity": identity,
}


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
    net = eqx.nn.MLP(
        inputs, outputs, width, depth, activation=ACTIVATIONS[activation], final_activation=identity, key=key
    )
    return eqx.tree_at(lambda n: n.layers[-1], net, jax.tree.map(lambda leaf: last * leaf, net.layers[-1]))
