"""as_function: a torch module as the transition or the observation of a state-space model."""

from torch import nn

from dynlearn.errors import ArgumentError, check_count, check_known
from dynlearn.parts.networks.imported import Imported, ImportedObservation
from dynlearn.torch.door.from_module import imported_function, program_of
from dynlearn.torch.door.probe import Call

KINDS = ("transition", "observation")


def as_function(
    module: nn.Module,
    states: int,
    controls: int = 0,
    statics: int = 0,
    *,
    kind: str = "transition",
    outputs: int | None = None,
    batched: bool = True,
) -> Imported | ImportedObservation:
    """A torch module as a function that `dl.models.NonlinearStateSpace` takes, compiled.

        kind "transition":   f(t, x, u, s) = forward(t, x, u, s), one value per state
        kind "observation":  h(x, s) = forward(x, s), one value per output

    `forward` takes u only where there are `controls`, s only where there are `statics`, an observation never t and
    u; the function always takes all of its arguments, each of one state, as JAX arrays in physical units. The module
    is exported once and copied: its weights are leaves of the function, and a fit moves them, but not those with
    `requires_grad=False`; `dl.torch.write_back(function.program, module)` brings fitted weights home. A saved model
    is loaded where there is no torch.

    Args:
        module: with `forward` as above.
        states, controls, statics: their numbers.
        kind: "transition" or "observation".
        outputs: of kind "observation", how many values it returns.
        batched: the convention of torchdiffeq: t a scalar tensor, x `(batch, states)`, u `(batch, controls)`, s
            `(batch, statics)`, and `(batch, states)` or `(batch, outputs)` comes back. False: the same for one
            state `(states,)`.

    Returns:
        The function, an Equinox module, with the exported `program` in it.

    Raises:
        ArgumentError: what does not fit the module; a module whose rows of a batch are not computed apart;
            operations that cannot be exported.

    >>> import torch, jax.numpy as jnp
    >>> class Square(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x[:, :1] ** 2 / 20
    >>> h = as_function(Square(), states=2, kind="observation", outputs=1)
    >>> h(jnp.array([2.0, 1.0]), jnp.zeros(0))
    Array([0.2], dtype=float32)
    """
    check_known("kind", [kind], KINDS)
    check_count("states", states, 1)
    check_count("controls", controls, 0)
    check_count("statics", statics, 0)
    if kind == "transition":
        if outputs is not None:
            raise ArgumentError(
                f"outputs: expected None for kind 'transition', which returns the {states} states, got {outputs!r}; "
                f"use kind='observation'."
            )
        return imported_function("module", module, Call(states, controls, statics, batched))
    if controls:
        raise ArgumentError(
            f"controls: expected 0 for kind 'observation', which is called as forward(x) or forward(x, s), got "
            f"{controls}; leave it out."
        )
    if outputs is None:
        raise ArgumentError("outputs: kind 'observation' needs the number of values it returns, got None.")
    check_count("outputs", outputs, 1)
    program = program_of("module", module, Call(states, 0, statics, batched, outputs))
    return ImportedObservation(program, statics=statics > 0, batched=batched)
