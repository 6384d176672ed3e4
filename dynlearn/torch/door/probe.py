"""How a torch module is called, and a trial call, so that what does not fit is said in words."""

import copy
import dataclasses
import inspect
from typing import Any

import torch
from torch import nn

from dynlearn.errors import ArgumentError

ROWS = 3
"""Of a trial batch."""
ORDINALS = ("first", "second", "third")


@dataclasses.dataclass(frozen=True)
class Call:
    """The arguments of `forward`: t, x, then u and s where there are any; an observation takes no t."""

    states: int
    controls: int
    statics: int
    batched: bool
    outputs: int | None = None
    """What an observation returns; None: a field or a map, which returns states."""

    @property
    def names(self) -> list[str]:
        return [*(["t"] if self.outputs is None else []), *self.sizes]

    @property
    def arguments(self) -> str:
        return ", ".join(self.names)

    @property
    def values(self) -> tuple[int, str]:
        """How many come back, and one per what."""
        return (self.states, "state") if self.outputs is None else (self.outputs, "output")

    @property
    def sizes(self) -> dict[str, int]:
        sizes = {"x": self.states, "u": self.controls, "s": self.statics}
        return {name: size for name, size in sizes.items() if size}

    def example(self, module: nn.Module, rows: int, first: int = 0) -> list[torch.Tensor]:
        """Arguments in the module's precision, on its device: some rows of always the same ones."""
        tensors = [*module.parameters(), *module.buffers()]
        like = next((t for t in tensors if t.is_floating_point()), torch.zeros(()))
        generator = torch.Generator().manual_seed(0)

        def draw(size):
            drawn = torch.randn((ROWS, size), generator=generator).to(like.device, like.dtype)
            return drawn[first : first + rows] if self.batched else drawn[first]

        rows_of = list(map(draw, self.sizes.values()))
        if self.outputs is not None:
            return rows_of
        return [torch.zeros((), dtype=like.dtype, device=like.device), *rows_of]

    def shown(self, rows: int) -> str:
        """The call, with the shapes of its arguments."""
        batch = (rows,) if self.batched else ()
        sizes = {name: (*batch, self.sizes[name]) if name in self.sizes else () for name in self.names}
        return ", ".join(f"{name} {size}" for name, size in sizes.items())


def check_call(what: str, module: nn.Module, call: Call) -> None:
    """Raise unless `module` takes and returns what it should."""
    try:
        inspect.signature(module.forward).bind(*call.names)
    except TypeError as error:
        raise ArgumentError(
            f"{what}: it is called as forward({call.arguments}), which {type(module).__name__}.forward does not "
            f"take: {error}; {_passed(call)}."
        ) from error
    _returned(what, module, call, ROWS)


def check_rows(what: str, module: nn.Module, call: Call) -> None:
    """Raise unless each row of a batch is computed on its own: the program has seen a batch of one."""
    if not call.batched:
        return
    several = _returned(what, module, call, ROWS)
    for i in range(ROWS):
        alone = _returned(what, module, call, 1, first=i)
        if not torch.allclose(several[i], alone[0], rtol=1e-3, atol=1e-5, equal_nan=True):
            raise ArgumentError(
                f"{what}: with batched=True every row of x must be computed on its own, but the {ORDINALS[i]} of three "
                f"rows gives {several[i].tolist()}, alone {alone[0].tolist()}; let forward reduce over the last axis "
                f"only."
            )


def check_apart(drift: nn.Module, diffusion: Any) -> None:
    """Two programs move their weights apart: what is shared in torch would not be any more."""
    if not isinstance(diffusion, nn.Module):
        return
    of_drift = {id(p): name for name, p in drift.named_parameters() if p.requires_grad}
    shared = [of_drift[id(p)] for p in diffusion.parameters() if id(p) in of_drift]
    if shared:
        raise ArgumentError(
            f"diffusion: it shares the parameters {shared} with module, a fit would move them apart; give each its "
            f"own, or freeze them with requires_grad_(False)."
        )


def _passed(call: Call) -> str:
    if call.outputs is None:
        return "u is passed where controls > 0, s where statics > 0"
    return "an observation is called without t and u, and s is passed where statics > 0"


def _returned(what: str, module: nn.Module, call: Call, rows: int, first: int = 0) -> torch.Tensor:
    """What a copy of the module returns: running statistics stay as they are."""
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            found = copy.deepcopy(module)(*call.example(module, rows, first))
    except (TypeError, RuntimeError, ValueError, IndexError) as error:
        form = "False" if call.batched else "True"
        raise ArgumentError(
            f"{what}: calling {type(module).__name__}({call.shown(rows)}) failed: {error}. If it takes "
            f"{'one state' if call.batched else 'a batch of states'}, say batched={form}."
        ) from error
    count, per = call.values
    expected = (rows, count) if call.batched else (count,)
    if not isinstance(found, torch.Tensor) or tuple(found.shape) != expected or not found.is_floating_point():
        came = (
            f"{found.dtype} {tuple(found.shape)}" if isinstance(found, torch.Tensor) else type(found).__name__
        )
        raise ArgumentError(
            f"{what}: called as {type(module).__name__}({call.shown(rows)}), expected a tensor of floats {expected} "
            f"back, one per {per}, got {came}."
        )
    return found
