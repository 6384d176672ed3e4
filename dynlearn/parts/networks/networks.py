"""Networks with activations known by name, so that a model file can name them too."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from dynlearn.errors import check_known
from dynlearn.numerics.activations import ACTIVATIONS, identity
from dynlearn.numerics.precision import compiled


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
    return _drawn(sizes, activation, last, key)


@compiled
def _drawn(sizes: tuple[int, int, int, int], activation: str, last: float, key: Key[Array, ""]) -> eqx.nn.MLP:
    """As Equinox draws it, number for number, but all layers at once: a second of compiling less."""
    net = eqx.nn.MLP(*sizes, activation=ACTIVATIONS[activation], final_activation=identity, key=key)
    count = len(net.layers)
    keys = jax.vmap(jax.random.split)(jax.random.split(key, count)).reshape(-1)
    most = max(layer.weight.size for layer in net.layers)
    unit = jax.vmap(lambda k: jax.random.uniform(k, (most,)))(keys).reshape(count, 2, most)

    def layer(i: int, of: eqx.nn.Linear) -> eqx.nn.Linear:
        end, factor = max(of.weight.shape[1], 1) ** -0.5, last if i == count - 1 else 1.0
        weight, bias = factor * jnp.maximum(-end, 2 * end * unit[i] - end)
        size, shape = of.weight.size, of.weight.shape
        return eqx.tree_at(
            lambda found: (found.weight, found.bias), of, (weight[:size].reshape(shape), bias[: shape[0]])
        )

    return eqx.tree_at(lambda n: n.layers, net, tuple(layer(i, of) for i, of in enumerate(net.layers)))
