"""Networks whose inputs and outputs are told in other units: their first and last layers take it in, exactly."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from dynlearn.contract.rescaling import Affine
from dynlearn.numerics.precision import array


def rescaled(network: eqx.nn.MLP, inputs: Affine, factor: Float[np.ndarray, " output"]) -> eqx.nn.MLP:
    """The network of x' that gives `factor` times what this one gives of x = a x' + b.

    W_1 x + b_1 = (W_1 a) x' + (b_1 + W_1 b),    factor (W_L h + b_L) = (factor W_L) h + factor b_L
    """
    exact = [[np.asarray(layer.weight, float), np.asarray(layer.bias, float)] for layer in network.layers]
    weight, bias = exact[0]
    exact[0] = [weight * inputs.factor, bias + weight @ inputs.offset]
    weight, bias = exact[-1]
    exact[-1] = [factor[:, None] * weight, factor * bias]
    layers = [
        eqx.tree_at(lambda one: (one.weight, one.bias), layer, [array(a, layer.weight.dtype) for a in found])
        for layer, found in zip(network.layers, exact, strict=True)
    ]
    return eqx.tree_at(lambda net: net.layers, network, tuple(layers))


def silenced(network: eqx.nn.MLP, outputs: Bool[np.ndarray, " output"]) -> eqx.nn.MLP:
    """The network that gives 0 for these outputs, whatever it sees, and the same for the others."""
    layer = network.layers[-1]
    quiet = jnp.where(outputs[:, None], 0, layer.weight), jnp.where(outputs, 0, layer.bias)
    return eqx.tree_at(lambda net: (net.layers[-1].weight, net.layers[-1].bias), network, quiet)
