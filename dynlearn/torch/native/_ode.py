"""Crossing an interval with torchdiffeq, in steps that agree with those of `dynlearn.solvers`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from dynlearn.errors import ArgumentError, DivergedError, MissingExtraError
from dynlearn.solvers import Adaptive, FixedStep, Solver

try:
    from torchdiffeq import odeint, odeint_adjoint
    from torchdiffeq._impl.fixed_grid import FixedGridODESolver
    from torchdiffeq._impl.odeint import SOLVERS
    from torchdiffeq._impl.rk_common import rk4_step_func
except ModuleNotFoundError as error:
    if error.name != "torchdiffeq":
        raise
    raise MissingExtraError(
        "training in torch needs torchdiffeq, which is not installed; run: pip install 'dynlearn[torch]'"
    ) from None

Field = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""dx/ds = field(s, x), s from 0 to 1 across the interval, x `(batch, state)`."""


class ClassicalRK4(FixedGridODESolver):
    """Kutta's method of 1901. The "rk4" of torchdiffeq is another one, the 3/8 rule."""

    order = 4

    def _step_func(self, func, t0, dt, t1, y0):
        f0 = func(t0, y0)
        return rk4_step_func(func, t0, dt, t1, y0, f0=f0), f0


# torchdiffeq takes methods by name only, from this table.
SOLVERS["dynlearn_rk4"] = ClassicalRK4

FIXED = {"euler": "euler", "heun": "heun2", "midpoint": "midpoint", "rk4": "dynlearn_rk4"}
ADAPTIVE = {"tsit5": "dopri5", "dopri8": "dopri8"}
"""torchdiffeq has no tsit5; dopri5 is of the same order and keeps the same tolerances."""
_GIVEN_UP = ("underflow in dt", "non-finite values", "max_num_steps exceeded")


def check_solver(solver: Solver) -> None:
    """Raise `ArgumentError` for one that torchdiffeq has no equal of."""
    if isinstance(solver, Adaptive) and solver.scheme not in ADAPTIVE:
        raise ArgumentError(
            f"solver: torchdiffeq has no differentiable equal of the scheme {solver.scheme!r}; pass "
            f"dl.solvers.Adaptive(scheme), scheme one of {', '.join(map(repr, ADAPTIVE))}, or build the model "
            f"with dl.models and dl.torch.from_module."
        )


def cross(
    field: Field,
    x: torch.Tensor,
    solver: Solver,
    *,
    adjoint: bool = False,
    wanted: Sequence[torch.Tensor] = (),
) -> torch.Tensor:
    """x at s = 1, from x at s = 0.

    `adjoint` differentiates by solving the adjoint equation backwards, at a cost in memory that does
    not grow with the steps; `wanted` are then the tensors, beside x, that get a gradient.
    """
    ends = torch.tensor([0.0, 1.0], dtype=x.dtype, device=x.device)
    options = _options(solver)
    if adjoint:
        learned = tuple(tensor for tensor in wanted if tensor.requires_grad)
        solve = odeint_adjoint(field, x, ends, adjoint_params=learned, **options)
        return solve[-1]
    with giving_up():
        return odeint(field, x, ends, **options)[-1]


def _options(solver: Solver) -> dict:
    if isinstance(solver, FixedStep):

        def grid(func, x, t):
            return torch.linspace(t[0], t[-1], solver.substeps + 1, dtype=t.dtype, device=t.device)

        return {"method": FIXED[solver.scheme], "options": {"grid_constructor": grid}}
    return {
        "method": ADAPTIVE[solver.scheme],
        "rtol": solver.rtol,
        "atol": solver.atol,
        "options": {"max_num_steps": solver.max_steps},
    }


@contextmanager
def giving_up() -> Iterator[None]:
    """`DivergedError` where torchdiffeq gives up; it says so by an assertion."""
    try:
        yield
    except AssertionError as error:
        if not str(error).startswith(_GIVEN_UP):
            raise
        raise DivergedError(
            f"solve: an interval could not be crossed ({error!s:.80}); loosen rtol and atol, raise max_steps, or "
            f"shorten the horizon."
        ) from error
