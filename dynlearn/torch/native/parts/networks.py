"""The networks of `dynlearn.parts`, in torch: the same weights give the same numbers."""

from collections.abc import Callable

import equinox as eqx
import torch
from torch import nn
from torch.nn import functional as F

from dynlearn.torch.shared.arrays import to_torch


def softplus(x: torch.Tensor) -> torch.Tensor:
    """log(1 + e^x), without the threshold from which torch's own is the identity."""
    return torch.logaddexp(x, torch.zeros_like(x))


def _gelu(x: torch.Tensor) -> torch.Tensor:
    return F.gelu(x, approximate="tanh")


def _identity(x: torch.Tensor) -> torch.Tensor:
    return x


ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "softplus": softplus,
    "silu": F.silu,
    "gelu": _gelu,
    "elu": F.elu,
    "sigmoid": torch.sigmoid,
    "sin": torch.sin,
    "identity": _identity,
}
"""The names are those of `dynlearn.models.ACTIVATIONS`."""


class MLP(nn.Module):
    """A multilayer perceptron with the weights of another one: `(batch, inputs) -> (batch, outputs)`."""

    def __init__(self, network: eqx.nn.MLP, activation: str):
        super().__init__()
        self.layers = nn.ModuleList(_linear(layer) for layer in network.layers)
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        *inner, last = self.layers
        for layer in inner:
            x = ACTIVATIONS[self.activation](layer(x))
        return last(x)


def parameter(array) -> nn.Parameter:
    return nn.Parameter(to_torch(array, copy=True))


def _linear(layer: eqx.nn.Linear) -> nn.Linear:
    outputs, inputs = layer.weight.shape
    # Not initialised: that would draw from torch's global generator.
    linear = nn.utils.skip_init(nn.Linear, inputs, outputs)
    linear.weight, linear.bias = parameter(layer.weight), parameter(layer.bias)
    return linear
