"""Twins: the dynlearn model that a trainable torch module stands for, with the weights of now."""

from typing import Any

import jax
import jax.numpy as jnp
import torch
from torch import nn

from dynlearn.contract.model import AbstractModel
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError
from dynlearn.parts.fields.given import GivenField
from dynlearn.torch.shared.arrays import to_torch
from dynlearn.torch.shared.skeleton import Skeleton

FIELDS = ("field", "diffusion_field")


class Twin:
    """A model, and which tensor of a module each of its arrays is. Never changes: copies of a module share it."""

    def __init__(self, model: AbstractModel, module: nn.Module):
        self.skeleton = Skeleton(model)
        names = _renamed(model)
        self.places = tuple(names.get(name, name) for name in self.skeleton.names)
        """Where in the module; a number that a user's `forward` has written into it is in none."""
        self.now(module)

    def __deepcopy__(self, memo: dict) -> "Twin":
        return self

    @property
    def signature(self) -> Signature:
        return self.skeleton.signature

    def now(self, module: nn.Module) -> Any:
        """The model with the values of the module's tensors."""
        tensors = tensors_of(module)
        arrays = [
            _array(place, tensors[place], array) if place in tensors else array
            for place, array in zip(self.places, self.skeleton.arrays, strict=True)
        ]
        return self.skeleton.model(arrays)

    def adopted(self, module: nn.Module, fitted: AbstractModel) -> "Twin":
        """`fitted` as the twin from now on, its values put into the module's tensors."""
        new, tensors = Skeleton(fitted), tensors_of(module)
        shapes = [[array.shape for array in skeleton.arrays] for skeleton in (new, self.skeleton)]
        if new.names != self.skeleton.names or shapes[0] != shapes[1]:
            raise ArgumentError(
                f"adopt: expected a model with the arrays of this one, fitted from its twin(), got "
                f"{type(fitted).__name__} with others."
            )
        with torch.no_grad():
            for place, array in zip(self.places, new.arrays, strict=True):
                if place in tensors:
                    tensors[place].copy_(to_torch(array))
        return Twin(fitted, module)


def tensors_of(module: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers under every name they have."""
    named = [module.named_parameters(remove_duplicate=False), module.named_buffers(remove_duplicate=False)]
    return {name: tensor for pairs in named for name, tensor in pairs}


def _renamed(model: Any) -> dict[str, str]:
    """Name of an array of a user's field in the twin: its name in the module."""
    found: dict[str, str] = {}
    for field in FIELDS:
        given = getattr(model, field, None)
        if isinstance(given, GivenField):
            function: Any = given.function
            program, path = function.program, f"{field}.function"
            for where, names in (("weights", program.names), ("constants.arrays", program.constants.names)):
                found |= {f"{path}.program.{where}.{i}": f"{path}.{name}" for i, name in enumerate(names)}
    return found


def _array(name: str, tensor: torch.Tensor, like: jax.Array) -> jax.Array:
    if str(tensor.dtype) != f"torch.{like.dtype}":
        remedy = "call .double() on your module" if like.dtype == jnp.float64 else "call .float() on it"
        raise ArgumentError(
            f"{name}: expected {like.dtype}, the precision of this session, got {tensor.dtype}; {remedy}, or set "
            f"jax.config.update('jax_enable_x64', ...) before the model is built."
        )
    return jnp.array(tensor.detach().cpu().numpy())
