"""Vector fields and diffusions of the trainable models, batched: `field(t, x, u, s, scaling)`, all but t scaled."""

from typing import Any

import torch
from torch import nn

from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError
from dynlearn.parts.fields import learned
from dynlearn.parts.networks.imported import Imported
from dynlearn.torch.door.from_module import imported_function
from dynlearn.torch.door.probe import Call
from dynlearn.torch.native.parts.networks import MLP, parameter, softplus
from dynlearn.torch.native.parts.scaling import Scaling


class LearnedField(nn.Module):
    """network(x, u, s) / time_scale."""

    def __init__(self, field: learned.LearnedField, activation: str):
        super().__init__()
        self.network = MLP(field.network, activation)

    def forward(self, t, x, u, s, scaling: Scaling) -> torch.Tensor:
        return self.network(torch.cat([x, u, s], -1)) / scaling.time_scale


class LearnedDiffusion(nn.Module):
    """softplus(network(x, u, s)) / sqrt(time_scale)."""

    def __init__(self, field: learned.LearnedDiffusion, activation: str):
        super().__init__()
        self.network = MLP(field.network, activation)

    def forward(self, t, x, u, s, scaling: Scaling) -> torch.Tensor:
        return softplus(self.network(torch.cat([x, u, s], -1))) / scaling.time_scale.sqrt()


class ConstantDiffusion(nn.Module):
    """softplus(raw) / sqrt(time_scale)."""

    def __init__(self, field: learned.ConstantDiffusion):
        super().__init__()
        self.raw = parameter(field.raw)

    def forward(self, t, x, u, s, scaling: Scaling) -> torch.Tensor:
        return (softplus(self.raw) / scaling.time_scale.sqrt()).expand_as(x)


class GivenField(nn.Module):
    """A module of the user's own, everything in physical units; further states are in units of its own."""

    def __init__(self, function: nn.Module):
        super().__init__()
        self.function = function

    def forward(self, t, x, u, s, scaling: Scaling) -> torch.Tensor:
        mean, scale = state_scaling(scaling, x.shape[-1])
        rows = scaling.control_inverse(u), scaling.static_inverse(s)
        given = [row for row in rows if row.shape[-1]]
        return self.function(t[:, None], mean + scale * x, *given) / scale


def state_scaling(scaling: Scaling, states: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and scale of (outputs, hidden states): hidden ones are as they are."""
    zero = scaling.output_mean.new_zeros(states - len(scaling.output_mean))
    return torch.cat([scaling.output_mean, zero]), torch.cat([scaling.output_scale, zero + 1])


def of(twin: Any, given: nn.Module | None, activation: str) -> nn.Module:
    """What the twin's field or diffusion is in torch."""
    if given is not None:
        return GivenField(given)
    if isinstance(twin, learned.ConstantDiffusion):
        return ConstantDiffusion(twin)
    kind = LearnedDiffusion if isinstance(twin, learned.LearnedDiffusion) else LearnedField
    return kind(twin, activation)


def exported(what: str, module: nn.Module | None, signature: Signature, hidden: int) -> Imported | None:
    """A user's module as the twin calls it, once it is sure that it can be called here too."""
    if module is None:
        return None
    call = Call(signature.outputs + hidden, signature.controls, signature.statics, batched=True)
    imported = imported_function(what, module, call)
    _check_times(what, module, call)
    return imported


def _check_times(what: str, module: nn.Module, call: Call) -> None:
    """In training each row of a batch has an instant of its own; the program has seen a scalar."""
    t, *rows = call.example(module, 3)
    times = 0.5 * torch.arange(1, 4, dtype=t.dtype, device=t.device)
    with torch.no_grad():
        apart = torch.cat([module(time, *(row[i : i + 1] for row in rows)) for i, time in enumerate(times)])
        try:
            together = module(times[:, None], *rows)
        except RuntimeError as error:
            raise ArgumentError(_of_time(what, module, f"calling it so failed: {error}")) from error
    if together.shape != apart.shape or not torch.allclose(
        together, apart, rtol=1e-3, atol=1e-5, equal_nan=True
    ):
        raise ArgumentError(_of_time(what, module, "it then gives other numbers than row by row"))


def _of_time(what: str, module: nn.Module, came: str) -> str:
    return (
        f"{what}: {type(module).__name__} must take t as a scalar and as (batch, 1), each row's own, which broadcasts "
        f"against (batch, states); {came}."
    )
