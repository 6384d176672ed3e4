"""What a module and its example inputs must be before they can be lowered."""

from collections.abc import Iterable
from typing import Any

import jax.numpy as jnp
import torch
from torch import nn
from torch.utils import _pytree as pytree

from dynlearn.errors import ArgumentError


def check(module: Any, example_inputs: tuple[Any, ...]) -> None:
    """Raise `ArgumentError` for what no tracing would mend."""
    if not isinstance(module, nn.Module):
        raise ArgumentError(
            f"lower: expected a torch.nn.Module, got {type(module).__name__}; wrap a function in a module's forward."
        )
    _check_inputs(example_inputs)
    _check_evaluating(module)
    _check_registered(module)
    _check_precision(module, example_inputs)


def _check_inputs(example_inputs: tuple[Any, ...]) -> None:
    for value in pytree.tree_leaves(example_inputs):
        if value is not None and not isinstance(value, torch.Tensor):
            raise ArgumentError(
                f"lower: expected tensors as example inputs, got {type(value).__name__} ({value!r}); "
                f"pass torch.as_tensor({value!r})."
            )


def _check_evaluating(module: nn.Module) -> None:
    names = [name or "the module itself" for name, part in module.named_modules() if _acts_in_training(part)]
    if names:
        raise ArgumentError(
            f"lower: {_listed(names)} in training mode would draw random numbers or update statistics; "
            f"call module.eval() first."
        )


def _acts_in_training(part: nn.Module) -> bool:
    if not part.training:
        return False
    if isinstance(part, nn.modules.dropout._DropoutNd):
        return part.p > 0
    if isinstance(part, nn.modules.instancenorm._InstanceNorm):
        return part.track_running_stats
    if isinstance(part, nn.RNNBase):
        return part.dropout > 0 and part.num_layers > 1
    if isinstance(part, nn.MultiheadAttention):
        return part.dropout > 0
    return isinstance(part, nn.modules.batchnorm._BatchNorm | nn.RReLU)


def _check_registered(module: nn.Module) -> None:
    names = [
        f"{path}.{name}".lstrip(".")
        for path, part in module.named_modules()
        for name, value in vars(part).items()
        if isinstance(value, torch.Tensor) and value.is_leaf and value.requires_grad
    ]
    if names:
        raise ArgumentError(
            f"lower: {_listed(names)} requires a gradient but is no parameter of the module; "
            f"make it a torch.nn.Parameter, or a buffer with register_buffer."
        )


def _check_precision(module: nn.Module, example_inputs: tuple[Any, ...]) -> None:
    tensors: list[tuple[str, Any]] = [*module.named_parameters(), *module.named_buffers()]
    tensors += [
        (f"example input {i}", value)
        for i, value in enumerate(pytree.tree_leaves(example_inputs))
        if value is not None
    ]
    complex_ones = [name for name, tensor in tensors if tensor.is_complex()]
    if complex_ones:
        raise ArgumentError(
            f"lower: expected real numbers, got complex ones in {_listed(complex_ones)}; "
            f"keep real and imaginary parts as two real tensors."
        )
    wide = [name for name, tensor in tensors if tensor.dtype == torch.float64]
    if wide and jnp.result_type(float) == jnp.float32:
        raise ArgumentError(
            f"lower: {_listed(wide)} is float64, which this session would round to float32; "
            f"call jax.config.update('jax_enable_x64', True) first, or module.float()."
        )


def _listed(names: Iterable[str], most: int = 5) -> str:
    names = [repr(name) for name in names]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
