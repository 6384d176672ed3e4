"""Encoder: the state at the last instant of masked, unevenly sampled windows, in torch."""

import torch
from torch import nn

from dynlearn.parts.encoders.encoder import Encoder as JaxEncoder
from dynlearn.torch.native.parts.networks import MLP
from dynlearn.torch.native.parts.scaling import Scaling
from dynlearn.torch.native.windows import Window


class Encoder(nn.Module):
    """Last measured value of each output, corrected by a network that sees the whole window.

    The encoder of `dynlearn.models`, with its weights, over a batch. Where an output was never
    measured the state is NaN.
    """

    def __init__(self, encoder: JaxEncoder, activation: str):
        super().__init__()
        self.memory, self.hidden = encoder.memory, encoder.hidden
        self.network = None if encoder.network is None else MLP(encoder.network, activation)

    def forward(self, past: Window, scaling: Scaling) -> torch.Tensor:
        """Scaled states `(batch, output + hidden)` from windows of `memory` samples, aligned to their end."""
        y = scaling.output(past.output)
        last = last_measured(y, past.observed)
        if self.network is None:
            return last
        known = torch.where(last.isfinite(), last, 0)
        # What is applied from the present instant on is not decided yet.
        u = torch.where(past.valid[:, :-1, None], scaling.control(past.control[:, :-1]), 0)
        u = torch.cat([u, torch.zeros_like(past.control[:, :1])], 1)
        lag = torch.where(past.valid, elapsed(past) / scaling.time_scale, 0)
        features = [
            torch.where(past.observed, y - known[:, None], 0),
            past.observed.to(y.dtype),
            u,
            lag[..., None],
        ]
        correction = self.network(torch.cat([known, *(f.flatten(1) for f in features)], 1))
        return torch.cat([last, last.new_zeros(len(last), self.hidden)], 1) + correction


def last_measured(y: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
    """The most recent measured value of each output, `(batch, output)`; NaN where there is none."""
    place = torch.arange(y.shape[1], device=y.device)[:, None]
    index = torch.where(observed, place, -1).amax(1, keepdim=True)
    value = y.gather(1, index.clamp(min=0))
    return torch.where(index >= 0, value, torch.nan)[:, 0]


def elapsed(past: Window) -> torch.Tensor:
    """Time of each sample relative to the last one (<= 0), summed from the exact intervals."""
    steps = torch.where(past.valid[:, :-1], past.interval[:, :-1], 0)
    summed = steps.flip(1).cumsum(1).flip(1)
    return torch.cat([-summed, torch.zeros_like(past.time[:, :1])], 1)
