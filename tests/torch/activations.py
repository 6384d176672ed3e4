"""Activations of torch.nn, at their kinks and beside them."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.torch.rows import All, Case, draw


def kinks() -> tuple:
    """Every place at which an activation has a kink, and both sides of it."""
    places = torch.tensor([-200.0, -6, -4, -3, -1, -0.5, -0.1, 0, 0.1, 0.5, 1, 3, 6, 20, 30, 200])
    return (torch.cat([places, torch.randn(8)]),)


ACTIVATIONS = {
    "relu": Case(lambda: All(nn.ReLU(), nn.ReLU6(), nn.Threshold(0.1, 20)), kinks),
    "leaky relu": Case(lambda: All(nn.LeakyReLU(0.2), nn.RReLU()), kinks),
    "elu": Case(lambda: All(nn.ELU(0.7), nn.SELU()), kinks),
    "softplus": Case(lambda: All(nn.Softplus(), nn.Softplus(2, 3), nn.LogSigmoid()), kinks),
    "sigmoid": Case(lambda: All(nn.Sigmoid(), nn.Tanh(), nn.SiLU(), nn.Mish(), nn.Softsign()), kinks),
    "gelu": Case(lambda: All(nn.GELU(), nn.GELU("tanh"), nn.Tanhshrink()), kinks),
    "hardtanh": Case(lambda: All(nn.Hardtanh(), nn.Hardtanh(-3, 0.5), nn.Hardswish()), kinks),
    # PyTorch's own derivatives of these two have a factor rounded to float32.
    "celu, hardsigmoid": Case(lambda: All(nn.CELU(1.3), nn.Hardsigmoid()), kinks, 1e-7),
    "shrink": Case(lambda: All(nn.Hardshrink(), nn.Softshrink(), nn.Softshrink(1)), kinks),
    "softmax": Case(lambda: All(nn.Softmax(0), nn.Softmin(0), nn.LogSoftmax(-1), nn.GLU()), kinks),
    "prelu": Case(lambda: nn.PReLU(init=0.3), kinks),
    "prelu of channels": Case(lambda: nn.PReLU(3), draw((2, 3, 4))),
    "normalize": Case(lambda: All(lambda x: F.normalize(x, dim=0), nn.Identity()), draw(5)),
    "clamp": Case(
        lambda: All(
            lambda x: x.clamp(-1, 3),
            lambda x: x.clamp(min=0),
            lambda x: x.clip(max=0.5),
            lambda x: x.clamp_min(-x),
            lambda x: x.clamp_max(0.1),
            torch.abs,
            torch.sign,
        ),
        kinks,
    ),
}
