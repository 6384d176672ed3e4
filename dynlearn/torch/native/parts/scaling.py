"""Arrays that no gradient moves, as buffers: scaling and error law."""

import dataclasses

import equinox as eqx
import torch
from torch import nn

from dynlearn.contract.scaling import Fixed
from dynlearn.torch.shared.arrays import to_torch


class Buffers(nn.Module):
    """The arrays of a `Fixed` node, under its names."""

    def __init__(self, node: Fixed):
        super().__init__()
        register(self, node)


class Scaling(nn.Module):
    """`dynlearn.models.Scaling` over tensors, channels last."""

    output_mean: torch.Tensor
    output_scale: torch.Tensor
    control_mean: torch.Tensor
    control_scale: torch.Tensor
    static_mean: torch.Tensor
    static_scale: torch.Tensor
    time_scale: torch.Tensor

    def __init__(self, scaling: Fixed):
        super().__init__()
        register(self, scaling)

    def output(self, y: torch.Tensor) -> torch.Tensor:
        return (y - self.output_mean) / self.output_scale

    def output_inverse(self, y: torch.Tensor) -> torch.Tensor:
        return y * self.output_scale + self.output_mean

    def control(self, u: torch.Tensor) -> torch.Tensor:
        return (u - self.control_mean) / self.control_scale

    def control_inverse(self, u: torch.Tensor) -> torch.Tensor:
        return u * self.control_scale + self.control_mean

    def static(self, s: torch.Tensor) -> torch.Tensor:
        return (s - self.static_mean) / self.static_scale

    def static_inverse(self, s: torch.Tensor) -> torch.Tensor:
        return s * self.static_scale + self.static_mean


def register(module: nn.Module, node: Fixed) -> None:
    """Every array of `node` as a buffer of `module`."""
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if eqx.is_array(value):
            module.register_buffer(field.name, to_torch(value, copy=True))
