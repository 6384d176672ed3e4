"""The border of a model in torch: tensors checked, ready for the compiled maps."""

from typing import Any, NamedTuple

import torch

from dynlearn.errors import ArgumentError
from dynlearn.torch.shared.skeleton import Skeleton
from dynlearn.trajectories.sampling import agrees


class Given(NamedTuple):
    """What a forecast of a batch of runs takes; intervals differenced before they are rounded."""

    time: torch.Tensor
    interval: torch.Tensor
    output: torch.Tensor
    control: torch.Tensor
    static: torch.Tensor


def checked(skeleton: Skeleton, like: torch.Tensor, times, outputs, controls, statics) -> Given:
    """The arguments of a forecast; `like` has the module's precision and device."""
    names, memory = skeleton.signature, skeleton.required
    for what, tensor in (("times", times), ("outputs", outputs)):
        if not isinstance(tensor, torch.Tensor):
            raise ArgumentError(f"{what}: expected a tensor, got {type(tensor).__name__}.")
    if times.ndim != 2:
        raise ArgumentError(f"times: expected shape (batch, past + horizon), got {tuple(times.shape)}.")
    batch, length = times.shape
    past = outputs.shape[1] if outputs.ndim == 3 else 0
    if tuple(outputs.shape) != (batch, past, names.outputs) or not memory <= past < length:
        raise ArgumentError(
            f"outputs: expected shape ({batch}, past, {names.outputs}) with {memory} <= past < {length} (times has "
            f"past + horizon = {length} instants), got {tuple(outputs.shape)}."
        )
    _check_like("outputs", outputs, like)
    control = _part("controls", controls, (batch, length, names.controls), like)
    static = _part("statics", statics, (batch, names.statics), like)
    return Given(*_instants(skeleton, like, times), outputs, control, static)


def checked_state(skeleton: Skeleton, like: torch.Tensor, t: Any, x, u, s) -> tuple[torch.Tensor, ...]:
    """The arguments of a map of a batch of states."""
    names, states = skeleton.signature, skeleton.states
    t = torch.as_tensor(t, dtype=like.dtype, device=like.device)
    if t.ndim:
        raise ArgumentError(
            f"t: expected one instant for the whole batch, a number, got shape {tuple(t.shape)}."
        )
    if not isinstance(x, torch.Tensor) or x.ndim != 2:
        came = tuple(x.shape) if isinstance(x, torch.Tensor) else type(x).__name__
        raise ArgumentError(f"x: expected a tensor (batch, {states} states), got {came}.")
    ends = (2,) if skeleton.maps == ("step",) and names.hold.ends == 2 else ()
    x = _part("x", x, (len(x), states), like)
    return (
        t,
        x,
        _part("u", u, (len(x), *ends, names.controls), like),
        _part("s", s, (len(x), names.statics), like),
    )


def check_known(skeleton: Skeleton, known: torch.Tensor) -> None:
    if not bool(known.all()):
        bad = (~known).nonzero().flatten().tolist()
        raise ArgumentError(
            f"outputs: the state of the runs {bad} cannot be inferred: too many outputs are missing (NaN) in their "
            f"last {skeleton.memory} samples; give a longer or fuller past."
        )


def _instants(
    skeleton: Skeleton, like: torch.Tensor, times: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    if times.requires_grad or times.dtype not in (torch.float32, torch.float64):
        raise ArgumentError(
            f"times: expected float32 or float64 without a gradient, got {times.dtype}, "
            f"requires_grad={times.requires_grad}; convert them, or call times.detach()."
        )
    _check_device("times", times, like)
    interval, names = times.diff(dim=1), skeleton.signature
    if not bool((interval > 0).all()) or not bool(times.isfinite().all()):
        raise ArgumentError("times: expected finite, strictly increasing instants in every row.")
    if names.interval is not None and not agrees(times.cpu().numpy().astype(float), names.interval):
        raise ArgumentError(
            f"times: this is a discrete-time model with interval {names.interval:g} {names.time_unit}, got "
            f"intervals between {float(interval.min()):g} and {float(interval.max()):g}."
        )
    return times.to(like.dtype), interval.to(like.dtype)


def _part(what: str, tensor: Any, shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor:
    """`tensor`, of which there may be none where it would have no columns."""
    if tensor is None and shape[-1] == 0:
        return like.new_zeros(shape)
    if not isinstance(tensor, torch.Tensor) or tuple(tensor.shape) != shape:
        came = tuple(tensor.shape) if isinstance(tensor, torch.Tensor) else type(tensor).__name__
        raise ArgumentError(f"{what}: expected a tensor of shape {shape}, got {came}.")
    _check_like(what, tensor, like)
    if what == "controls" and not bool(tensor.isfinite().all()):
        raise ArgumentError("controls: expected finite values, got NaN or infinity; NaN is for outputs only.")
    return tensor


def _check_like(what: str, tensor: torch.Tensor, like: torch.Tensor) -> None:
    _check_device(what, tensor, like)
    if tensor.dtype != like.dtype:
        raise ArgumentError(
            f"{what}: expected {like.dtype} as the module's parameters, got {tensor.dtype}; call .to({like.dtype})."
        )


def _check_device(what: str, tensor: torch.Tensor, like: torch.Tensor) -> None:
    if tensor.device != like.device:
        raise ArgumentError(
            f"{what}: expected the module's device {like.device}, got {tensor.device}; call .to({like.device})."
        )
