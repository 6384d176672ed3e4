"""What a row of the table of modules is made of."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

Make = Callable[[], nn.Module]
Inputs = Callable[[], tuple]


class Case(NamedTuple):
    """A module, inputs for it, drawn anew on every call, and what may be wrong in float64, relative to the size."""

    module: Make
    inputs: Inputs
    tolerance: float = 1e-10


class Op(nn.Module):
    """A function as a module; what comes after the inputs are parameters of the given shapes."""

    def __init__(self, function, *shapes):
        super().__init__()
        self.function = function
        self.weights = nn.ParameterList([torch.randn(shape) for shape in shapes])

    def forward(self, *inputs):
        return self.function(*inputs, *self.weights)


class All(nn.Module):
    """Several functions and modules of the same inputs."""

    def __init__(self, *functions):
        super().__init__()
        self.functions = functions
        self.parts = nn.ModuleList(f for f in functions if isinstance(f, nn.Module))

    def forward(self, *inputs):
        return tuple(function(*inputs) for function in self.functions)


def draw(*shapes: tuple[int, ...] | int) -> Inputs:
    return lambda: tuple(torch.randn(shape) for shape in shapes)


def positive(*shapes: tuple[int, ...] | int) -> Inputs:
    return lambda: tuple(torch.rand(shape) * 0.8 + 0.1 for shape in shapes)


def kinks() -> tuple:
    """Every place at which an activation of torch.nn has a kink, and both sides of it."""
    places = torch.tensor([-200.0, -6, -4, -3, -1, -0.5, -0.1, 0, 0.1, 0.5, 1, 3, 6, 20, 30, 200])
    return (torch.cat([places, torch.randn(8)]),)
