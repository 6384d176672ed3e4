"""from_module: a torch module as the vector field, the diffusion or the one-step map of a model; and back."""

import numbers
from collections.abc import Sequence
from typing import Any

import xarray as xr
from jaxtyping import Array, Key
from torch import nn

from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_count, check_known
from dynlearn.models.neural.map import NeuralMap
from dynlearn.models.neural.ode import NeuralODE
from dynlearn.models.neural.sde import NeuralSDE
from dynlearn.parts.networks.imported import Imported
from dynlearn.programs.program import Program
from dynlearn.solvers import Solver, StochasticStep
from dynlearn.torch.door.export import lower
from dynlearn.torch.door.probe import Call, check_apart, check_call, check_rows
from dynlearn.trajectories import schema
from dynlearn.trajectories.build.arrays import PREFIX
from dynlearn.trajectories.checks.validate import validate

KINDS: dict[str, tuple[Any, str]] = {
    "vector_field": (NeuralODE, "field"),
    "sde": (NeuralSDE, "field"),
    "step": (NeuralMap, "map"),
}
"""What a module may be, the family that takes it, and the name of the argument there."""


def from_module(
    module: nn.Module,
    states: int,
    controls: int = 0,
    kind: str = "vector_field",
    *,
    diffusion: nn.Module | None = None,
    statics: int = 0,
    batched: bool = True,
    dt: float | None = None,
    data: xr.Dataset | None = None,
    output_names: Sequence[str] | None = None,
    control_names: Sequence[str] | None = None,
    outputs: int | None = None,
    memory: int | None = None,
    solver: Solver | StochasticStep | None = None,
    key: int | Key[Array, ""] = 0,
) -> Any:
    """The model whose dynamics a torch module gives, compiled: to forecast, fit, plan with, save.

        kind "vector_field":  dx/dt = forward(t, x, u, s)                                     a `NeuralODE`
        kind "sde":           dx = forward(t, x, u, s) dt + diffusion(t, x, u, s) dW (Ito)    a `NeuralSDE`
        kind "step":          x_{k+1} = forward(t_k, x_k, u_k, s)                             a `NeuralMap`

    `forward` takes u only where there are `controls`, s only where there are `statics`: it is called as
    forward(t, x), forward(t, x, u), forward(t, x, s) or forward(t, x, u, s), everything in physical units. The
    module is exported once and copied: what is done to it later does not reach the model. Its weights are
    leaves of the model and `dl.fit` moves them, but not those with `requires_grad=False`;
    `dl.fit(..., method="calibration")` leaves all as they are and estimates the error law only. `write_back`
    brings fitted weights home. A saved model is loaded where there is no torch.

    Args:
        module: with `forward` as above.
        states, controls, statics: their numbers.
        kind: "vector_field", "sde" or "step".
        diffusion: of kind "sde", another module of the same form, which returns one standard deviation per
            state and square root of time (one Brownian motion per state).
        batched: the convention of torchdiffeq: t a scalar tensor, x `(batch, states)`, u `(batch, controls)`, s
            `(batch, statics)`, and `(batch, states)` comes back. False: the same for one state `(states,)`.
        dt: of kind "step" without `data`, the time from one state to the next.
        data: trajectories under the schema, from which names, units, hold, sampling and scaling are taken.
        output_names, control_names: without `data`; y0, y1, ... and u0, u1, ... if not given.
        outputs: how many of the states, the first ones, are measured; all if not given. The others are
            hidden: an encoder, to be fitted, reads them off the past.
        memory: samples of the past the encoder looks at; 1 if nothing is hidden, else 10.
        solver: how an interval is crossed, e.g. `dl.solvers.Adaptive()`, or `StochasticStep` for kind "sde".
        key: an int or a JAX key, for the encoder.

    Returns:
        A `dl.models.NeuralODE`, `NeuralSDE` or `NeuralMap`, whose error law is still to be fitted.

    Raises:
        ArgumentError: what does not fit (each other, the module, the data); a module whose rows of a batch are not
            computed apart; operations that cannot be exported.

    >>> import dynlearn as dl, torch
    >>> class Pendulum(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.stiffness = torch.nn.Parameter(torch.tensor(9.81))
    ...     def forward(self, t, x, u):
    ...         angle, velocity = x[:, :1], x[:, 1:]
    ...         return torch.cat([velocity, u - self.stiffness * torch.sin(angle)], 1)
    >>> model = from_module(Pendulum(), states=2, controls=1)
    >>> model.signature.output_names, model.signature.control_names
    (('y0', 'y1'), ('u0',))
    """
    check_known("kind", [kind], KINDS)
    measured = _measured(states, controls, statics, outputs)
    _check_options(kind, diffusion, dt, data, solver)
    names = _names(data, measured, controls, statics, output_names, control_names)
    call = Call(states, controls, statics, batched)
    family, argument = KINDS[kind]
    options = {argument: imported_function("module", module, call), "hidden": states - measured, "key": key}
    if diffusion is not None:
        check_apart(module, diffusion)
        options["diffusion"] = imported_function("diffusion", diffusion, call)
    if solver is not None:
        options["solver"] = solver
    options["memory"] = memory if memory is not None else 1 if measured == states else 10
    if data is not None:
        return family.from_data(data, **options)
    interval = None if dt is None else float(dt)
    return family(Signature(names["output"], names["control"], names["static"], interval=interval), **options)


def imported_function(what: str, module: object, call: Call) -> Imported:
    program = program_of(what, module, call)
    return Imported(program, controls=call.controls > 0, statics=call.statics > 0, batched=call.batched)


def program_of(what: str, module: object, call: Call) -> Program:
    """`module` lowered, once it is sure that it takes and returns what it should, every row on its own."""
    if not isinstance(module, nn.Module):
        raise ArgumentError(
            f"{what}: expected a torch.nn.Module with forward({call.arguments}), got {type(module).__name__}."
        )
    check_call(what, module, call)
    program = lower(module, *call.example(module, 1))
    check_rows(what, module, call)
    return program


def _measured(states: int, controls: int, statics: int, outputs: int | None) -> int:
    """How many states are outputs."""
    check_count("states", states, 1)
    check_count("controls", controls, 0)
    check_count("statics", statics, 0)
    if outputs is None:
        return states
    check_count("outputs", outputs, 1)
    if outputs > states:
        raise ArgumentError(
            f"outputs: expected at most the {states} states, of which the first ones are measured, got {outputs}."
        )
    return outputs


def _check_options(kind: str, diffusion: object, dt: object, data: object, solver: object) -> None:
    if kind == "sde" and diffusion is None:
        raise ArgumentError(
            "diffusion: kind 'sde' needs a second torch.nn.Module, one standard deviation per state and square "
            "root of time; pass diffusion=..., or use kind='vector_field'."
        )
    if kind != "sde" and diffusion is not None:
        raise ArgumentError(f"diffusion: expected None for kind {kind!r}; use kind='sde'.")
    if kind == "step" and solver is not None:
        raise ArgumentError("solver: expected None for kind 'step': a map is not integrated; leave it out.")
    if kind != "step" and dt is not None:
        raise ArgumentError(
            f"dt: expected None for kind {kind!r}, which crosses any interval; how finely says the solver, e.g. "
            f"solver=dl.solvers.FixedStep('rk4', substeps=4)."
        )
    if kind != "step":
        return
    if (dt is None) == (data is None):
        came = "neither" if dt is None else "both"
        raise ArgumentError(
            f"dt, data: kind 'step' needs the time from one state to the next, from exactly one of them; got {came}."
        )
    if dt is not None and not (isinstance(dt, numbers.Real) and 0 < float(dt) < float("inf")):
        raise ArgumentError(f"dt: expected a number > 0, got {dt!r}.")


def _names(
    data: xr.Dataset | None, outputs: int, controls: int, statics: int, *given
) -> dict[str, tuple[str, ...]]:
    """Of outputs, controls and static features."""
    counts = {"output": outputs, "control": controls, "static": statics}
    chosen = dict(zip(counts, (*given, None), strict=True))
    return {kind: _names_of(kind, count, chosen[kind], data) for kind, count in counts.items()}


def _names_of(kind: str, count: int, given: Sequence[str] | None, data: xr.Dataset | None) -> tuple[str, ...]:
    what = f"{kind}s" if kind != "output" else "states (outputs)"
    if data is not None:
        if given is not None:
            raise ArgumentError(f"{kind}_names: expected None with data, which has names; got {list(given)}.")
        found = schema.names(validate(data), kind)
        if len(found) != count:
            raise ArgumentError(
                f"data: the module has {count} {what}, the data {len(found)}: {list(found)}; select them, e.g. "
                f"ds.sel({kind}_name=[...]), or change {'outputs' if kind == 'output' else what}=."
            )
        return found
    if given is None:
        return tuple(f"{PREFIX[kind]}{i}" for i in range(count))
    if isinstance(given, str) or len(given) != count:
        raise ArgumentError(
            f"{kind}_names: expected {count} names, one of each of the {what}, got {given!r}."
        )
    return tuple(given)
