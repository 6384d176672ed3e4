"""write_back: fitted weights of a model made by `from_module`, into the torch modules they came from."""

import copy
from typing import Any

from torch import nn

from dynlearn.contract.members import has_members
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError
from dynlearn.models.neural.map import NeuralMap
from dynlearn.models.wrappers.smoothed import Smoothed
from dynlearn.parts.networks.imported import Imported
from dynlearn.programs.program import Program
from dynlearn.torch.shared import weights


def write_back(
    model: AbstractModel | Program, module: nn.Module, *, diffusion: nn.Module | None = None
) -> None:
    """Copy the weights of `model` into `module`, in place.

    Args:
        model: made by `from_module` and fitted, also within `Smoothed`, or a member of an ensemble; or a program
            that `lower` made.
        module: the module it was made of, or another one of the same architecture.
        diffusion: likewise, for a model of kind "sde".

    Raises:
        ArgumentError: a model that was not made by `from_module`, an ensemble, or modules of another architecture;
            nothing is written then.

    >>> import torch
    >>> from dynlearn.torch.door.from_module import from_module
    >>> class Decay(torch.nn.Module):
    ...     def __init__(self, rate):
    ...         super().__init__()
    ...         self.rate = torch.nn.Parameter(torch.tensor(rate))
    ...     def forward(self, t, x):
    ...         return -self.rate * x
    >>> other = Decay(1.0)
    >>> write_back(from_module(Decay(0.25), states=1), other)
    >>> other.rate.item()
    0.25
    """
    if isinstance(model, Program):
        return weights.write_back(model, module)
    programs = _programs(model)
    targets: dict[str, Any] = {"module": module, "diffusion": diffusion}
    for what, target in targets.items():
        if what in programs and not isinstance(target, nn.Module):
            raise ArgumentError(
                f"{what}: expected the torch.nn.Module to write to, got {type(target).__name__}."
            )
        if what not in programs and target is not None:
            raise ArgumentError(f"{what}: expected None, this {type(model).__name__} has none.")
    for what, program in programs.items():
        _check(what, program, targets[what])
    for what, program in programs.items():
        weights.write_back(program, targets[what])


def _programs(model: Any) -> dict[str, Program]:
    """Of the drift (or map) and the diffusion."""
    if has_members(model):
        raise ArgumentError(
            f"write_back: an ensemble has {model.size} sets of weights; choose one, e.g. model.member(0)."
        )
    inner = model.model if isinstance(model, Smoothed) else model
    places = {"module": "map" if isinstance(inner, NeuralMap) else "field", "diffusion": "diffusion_field"}
    found = {}
    for what, place in places.items():
        function = getattr(getattr(inner, place, None), "function", None)
        if isinstance(function, Imported) and isinstance(function.program, Program):
            found[what] = function.program
    if "module" not in found:
        raise ArgumentError(
            f"write_back: expected a model made by dl.torch.from_module, got {type(model).__name__} without a torch "
            f"module in it; dl.torch.to_module(model) makes one of any model."
        )
    return found


def _check(what: str, program: Program, module: Any) -> None:
    """Everything fits, in both directions, before anything is written."""
    weights.write_back(program, copy.deepcopy(module))
    own = dict(module.named_parameters(remove_duplicate=False))
    known = {id(own[name]) for name in (*program.names, *program.constants.names) if name in own}
    missing = [name for name, p in own.items() if p.requires_grad and id(p) not in known]
    if missing:
        raise ArgumentError(
            f"{what}: expected a module of the architecture the model was made of, this {type(module).__name__} also "
            f"has the parameters {missing[:5]}."
        )
