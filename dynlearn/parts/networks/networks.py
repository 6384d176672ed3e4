"""Networks with activations known by name, so that a model file can name them too."""

import equinox as eqx
import jax
from jaxtyping import Array, Key

from dynlearn.errors import check_known
from dynlearn.numerics.activations import ACTIVATIONS, identity


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
