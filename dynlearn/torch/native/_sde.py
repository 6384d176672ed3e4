"""Random paths with torchsde, in steps that agree with those of `dynlearn.solvers`."""

from collections.abc import Callable, Sequence

import torch

from dynlearn.errors import ArgumentError, MissingExtraError
from dynlearn.solvers import StochasticStep
from dynlearn.torch.native._native import Interval

try:
    from torchsde import BaseBrownian, sdeint
except ModuleNotFoundError as error:
    if error.name != "torchsde":
        raise
    raise MissingExtraError(
        "a neural SDE in torch needs torchsde, which is not installed; run: pip install 'dynlearn[torch]'"
    ) from None

Coefficient = Callable[[torch.Tensor, torch.Tensor, Interval], torch.Tensor]
"""Scaled drift or diffusion, `coefficient(s, x, interval)`, per unit of physical time or its square root."""

SCHEMES = {"euler_maruyama": ("euler", "ito"), "milstein": ("euler", "ito"), "heun": ("heun", "stratonovich")}
"""Scheme: the method of torchsde it is, and the calculus that works in."""


def check_solver(solver: StochasticStep) -> None:
    """Raise `ArgumentError` for a scheme that torchsde has no equal of."""
    if solver.scheme not in SCHEMES:
        raise ArgumentError(
            f"solver: torchsde has no equal of the scheme {solver.scheme!r}; pass dl.solvers.StochasticStep(scheme), "
            f"scheme one of {', '.join(map(repr, SCHEMES))}."
        )


def follow(
    drift: Coefficient,
    diffusion: Coefficient,
    x: torch.Tensor,
    intervals: Sequence[Interval],
    increments: torch.Tensor,
    scheme: str,
) -> torch.Tensor:
    """States at the ends of the intervals, `(interval, batch, state)`, along one Brownian path per run.

    `increments`, `(interval, substep, batch, state)`, are those of the Brownian motions.
    """
    substeps = increments.shape[1]
    method, calculus = SCHEMES[scheme]
    brownian = Given(increments.flatten(0, 1))
    walk = _Walk(drift, diffusion, intervals, brownian, substeps, scheme == "milstein", calculus)
    # One unit of the solver's clock is one step, so that its arithmetic on times is exact.
    ends = substeps * torch.arange(len(intervals) + 1, dtype=x.dtype, device=x.device)
    return sdeint(walk, x, ends, bm=brownian, method=method, dt=1.0)[1:]


class Given(BaseBrownian):
    """A Brownian path of which the increments are given, `(step, batch, state)`; knows the step it was asked for."""

    __slots__ = ("increments", "step")

    def __init__(self, increments: torch.Tensor):
        self.increments, self.step = increments, 0

    def __call__(self, ta, tb=None, return_U=False, return_A=False):
        self.step = int(ta)
        return self.increments[self.step]

    def __repr__(self):
        return f"Given({len(self.increments)} steps)"

    @property
    def dtype(self):
        return self.increments.dtype

    @property
    def device(self):
        return self.increments.device

    @property
    def shape(self):
        return self.increments.shape[1:]

    @property
    def levy_area_approximation(self):
        return "none"


class _Walk:
    """The equation as torchsde asks for it: drift and diffusion times increment, per step."""

    noise_type = "diagonal"

    def __init__(
        self, drift, diffusion, intervals, brownian: Given, substeps: int, milstein: bool, calculus: str
    ):
        self.drift, self.diffusion, self.intervals = drift, diffusion, intervals
        self.brownian, self.substeps, self.milstein, self.sde_type = brownian, substeps, milstein, calculus

    def f_and_g_prod(self, t, x, dW):
        # A step that ends where an interval does evaluates there too, with the control from before: which
        # step it is in, torchsde tells the Brownian motion, which it asks first.
        interval = self.intervals[self.brownian.step // self.substeps]
        s = t / self.substeps - self.brownian.step // self.substeps
        h = (interval.length / self.substeps)[:, None]

        def g(x):
            return self.diffusion(s, x, interval)

        f = self.drift(s, x, interval)
        if self.sde_type == "stratonovich":
            sigma, transported = _transported(g, x)
            return h * (f - transported / 2), sigma * dW
        if self.milstein:
            # torchsde's own Milstein takes J^T g for diag(J) g: another number where an entry of the
            # diffusion depends on other states than its own, as a network's does.
            sigma, transported = _transported(g, x)
            return h * f, sigma * dW + transported * (dW**2 - h) / 2
        return h * f, g(x) * dW


def _transported(g, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """g(x) and diag(dg/dx) g, for diagonal noise."""
    outer = torch.is_grad_enabled()
    with torch.enable_grad():
        at = x if x.requires_grad else x.detach().requires_grad_(True)
        sigma = g(at)
        if not sigma.requires_grad:
            return sigma, torch.zeros_like(sigma)
        columns = [
            torch.autograd.grad(
                sigma[:, i].sum(),
                at,
                retain_graph=True,
                create_graph=outer,
                allow_unused=True,
                materialize_grads=True,
            )[0][:, i]
            for i in range(x.shape[1])
        ]
        return sigma, torch.stack(columns, 1) * sigma
