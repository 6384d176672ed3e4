"""A JAX function as one node of torch's graph: compiled forward, compiled pullback."""

import itertools
from collections.abc import Callable
from typing import Any

import jax
import torch

from dynlearn.numerics.precision import exact_products
from dynlearn.torch.shared.arrays import apart, to_jax, to_torch

Tensors = tuple[torch.Tensor, ...]


class Compiled:
    """A function of arrays, compiled, that torch can call and differentiate.

        outputs, extra = function(*arrays)

    `outputs` (a tuple of floating arrays) carry gradients, `extra` (another tuple) do not. The backward pass is
    such a function too, which computes the forward pass again; so derivatives of any order are there.
    """

    def __init__(self, function: Callable[..., tuple[tuple, tuple]]):
        self._function = function
        self.forward = jax.jit(exact_products(function))
        self._pullbacks: dict[tuple[bool, ...], Compiled] = {}

    def __call__(self, *tensors: torch.Tensor) -> tuple[Tensors, Tensors]:
        """(outputs, extra) of tensors on one device."""
        count, *found = _Call.apply(self, *tensors)
        return tuple(found[:count]), tuple(found[count:])

    def pullback(self, wanted: tuple[bool, ...]) -> "Compiled":
        """(*arrays, *cotangents of the outputs) -> the cotangents of those arrays that are wanted."""
        if wanted not in self._pullbacks:

            def pull(*given):
                arrays, cotangents = given[: len(wanted)], given[len(wanted) :]

                def of(moved):
                    rest = iter(moved)
                    filled = [next(rest) if w else a for w, a in zip(wanted, arrays, strict=True)]
                    return self._function(*filled)[0]

                moved = tuple(itertools.compress(arrays, wanted))
                return jax.vjp(of, moved)[1](cotangents)[0], ()

            self._pullbacks[wanted] = Compiled(pull)
        return self._pullbacks[wanted]


class _Call(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, compiled: Compiled, *tensors: torch.Tensor):
        ctx.compiled = compiled
        # Torch then notices when one of them is changed in place before the backward pass.
        ctx.save_for_backward(*tensors)
        # Torch may change its tensors as soon as this returns: nothing may still be reading them.
        outputs, extra = jax.block_until_ready(compiled.forward(*map(to_jax, tensors)))
        found = apart(tuple(map(to_torch, (*outputs, *extra))), tensors)
        ctx.mark_non_differentiable(*found[len(outputs) :])
        ctx.count = len(outputs)
        return len(outputs), *found

    @staticmethod
    def backward(ctx: Any, _: None, *cotangents: torch.Tensor):
        wanted = ctx.needs_input_grad[1:]
        found, _none = ctx.compiled.pullback(wanted)(*ctx.saved_tensors, *cotangents[: ctx.count])
        own = iter(found)
        return None, *(next(own) if w else None for w in wanted)
