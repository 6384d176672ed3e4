"""Arrays of PyTorch to arrays of JAX, and trained weights back into their module."""

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jaxtyping import Array
from torch import nn

from dynlearn.errors import ArgumentError, unknown
from dynlearn.programs.graph import Dtype
from dynlearn.programs.program import Program


def kind(dtype: torch.dtype) -> Dtype:
    """Floats of any width are the session's default float, int64 its default int, the rest is what it is."""
    if dtype.is_floating_point:
        return Dtype("float")
    return Dtype("int" if dtype == torch.int64 else str(dtype).removeprefix("torch."))


def to_array(tensor: torch.Tensor) -> Array:
    """A copy: PyTorch trains in place, JAX arrays never change. Raises `ArgumentError` rather than wrap integers."""
    values = tensor.detach().cpu()
    if values.is_floating_point() and values.dtype not in (torch.float32, torch.float64):
        values = values.float()  # numpy does not have the narrower ones
    array = jnp.array(values.numpy(), kind(tensor.dtype).resolve())
    if array.dtype == jnp.int32 and not np.array_equal(array, values.numpy()):
        raise ArgumentError(
            "lower: a constant holds integers beyond 32 bits, which this session cannot; "
            "call jax.config.update('jax_enable_x64', True) first."
        )
    return array


def weights_of(program: Program) -> dict[str, Array]:
    """The trainable weights by their names in the module.

    Args:
        program: that `lower` made.

    Returns:
        JAX arrays in the order of `program.names`; buffers and frozen parameters are not among them.

    >>> import torch, dynlearn.torch
    >>> program = dynlearn.torch.lower(torch.nn.Linear(2, 3), torch.zeros(2))
    >>> {name: array.shape for name, array in dynlearn.torch.weights_of(program).items()}
    {'weight': (3, 2), 'bias': (3,)}
    """
    return dict(zip(program.names, program.weights, strict=True))


def write_back(program: Program, module: nn.Module) -> None:
    """Copy the program's weights into the module's parameters, in place and in their own precision.

    Args:
        program: one that was lowered from `module`, or from one of the same structure, trained since.
        module: is changed; constants (buffers, frozen parameters) are left as they are.

    Raises:
        ArgumentError: a weight the module does not have, or has in another shape; the module is then unchanged.

    >>> import dataclasses, torch, dynlearn.torch
    >>> module = torch.nn.Linear(2, 1)
    >>> program = dynlearn.torch.lower(module, torch.zeros(2))
    >>> trained = dataclasses.replace(program, weights=tuple(0 * w + 3 for w in program.weights))
    >>> dynlearn.torch.write_back(trained, module)
    >>> module(torch.ones(2)).item()
    9.0
    """
    own = dict(module.named_parameters(remove_duplicate=False))
    weights = {name: np.asarray(jax.device_get(array)) for name, array in weights_of(program).items()}
    for name, array in weights.items():
        if name not in own:
            raise ArgumentError(f"write_back: {unknown('parameter', name, own)}")
        if array.shape != tuple(own[name].shape):
            raise ArgumentError(
                f"write_back: expected {name!r} of shape {tuple(own[name].shape)}, as the module has it, "
                f"got {array.shape}; pass the module the program was lowered from."
            )
    with torch.no_grad():
        for name, array in weights.items():
            own[name].copy_(torch.tensor(array))
