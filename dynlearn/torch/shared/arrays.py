"""Arrays between torch and JAX, by reference where both can read the memory as it lies."""

import jax
import jax.numpy as jnp
import torch

from dynlearn.errors import ArgumentError

PLATFORMS = {"cpu": "cpu", "cuda": "gpu"}
"""Kinds of torch devices, and what JAX calls them."""


def to_jax(tensor: torch.Tensor, what: str = "tensor", *, copy: bool | None = None) -> jax.Array:
    """The values of `tensor`, on its device, in its precision.

    Nothing is copied where the tensor is contiguous and, on a CPU, starts at a multiple of 64 bytes, as what
    torch allocates does; a view into the middle of another tensor is copied. JAX takes its arrays for
    immutable and computes behind one's back: whoever changes `tensor` in place first waits for every program
    that reads the array (`jax.block_until_ready` on its results), or asks for `copy=True`.

    Args:
        tensor: on a device that JAX has too; bool, integer, float32, or float64 in a session of that precision.
        what: its name, for the error.
        copy: True for memory of its own.

    Raises:
        ArgumentError: a device that JAX does not have here; numbers that it would round.

    >>> x = torch.arange(3.0)
    >>> to_jax(x).unsafe_buffer_pointer() == x.data_ptr()
    True
    """
    _check_device(tensor, what)
    if tensor.is_floating_point():
        default = jnp.result_type(float)
        if str(tensor.dtype) not in ("torch.float32", f"torch.{default}"):
            remedy = "convert it with .float()"
            if tensor.dtype == torch.float64:
                remedy += ", or call jax.config.update('jax_enable_x64', True) first"
            raise ArgumentError(f"{what}: expected {default} numbers, got {tensor.dtype}; {remedy}.")
    array = jax.dlpack.from_dlpack(tensor.detach().contiguous(), copy=copy)
    return jax.block_until_ready(array) if copy else array


def to_torch(array: jax.Array, *, copy: bool = False) -> torch.Tensor:
    """The values of `array`, on its device, in its precision.

    Nothing is copied unless asked for: so only an array that nobody reads any more, such as what a compiled
    program has just returned, may be given without `copy=True` to torch, which changes tensors in place.
    Where torch has no such device (an array on a GPU, torch built for the CPU) the values go through the CPU.

    >>> to_torch(jnp.arange(3.0))
    tensor([0., 1., 2.])
    """
    if next(iter(array.devices())).platform == "gpu" and not torch.cuda.is_available():
        array = jax.device_put(array, jax.devices("cpu")[0])
    tensor = torch.from_dlpack(jax.block_until_ready(array))
    return tensor.clone() if copy else tensor


def apart(found: tuple[torch.Tensor, ...], given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """`found`, with memory of its own where it shares any with `given` or with one another.

    A compiled program may hand back an argument as it came.
    """
    taken = {tensor.data_ptr() for tensor in given if tensor.numel()}
    own = []
    for tensor in found:
        own.append(tensor.clone() if tensor.numel() and tensor.data_ptr() in taken else tensor)
        taken.add(own[-1].data_ptr())
    return tuple(own)


def _check_device(tensor: torch.Tensor, what: str) -> None:
    kind = tensor.device.type
    here = {device.platform for device in jax.devices()} | {"cpu"}
    if PLATFORMS.get(kind) not in here:
        raise ArgumentError(
            f"{what}: it is on the device {tensor.device}, JAX has {', '.join(sorted(here))} here; move it with "
            f".to('cpu'), or install JAX for that device."
        )
