"""Problems written once for numpy, JAX and torch, and their solutions to 12 digits."""

import dataclasses
import functools
import itertools
from collections.abc import Callable

import numpy as np
import scipy.integrate

KNOTS = np.array([-0.4, 0.7, 0.9, 2.35, 3.1])
"""Of every control here: none of them is an instant of a problem."""
LEVELS = np.array([0.5, -1.0, 1.5, 0.2, -0.7])


@dataclasses.dataclass(frozen=True)
class Problem:
    """dx/dt as a list of components, `field(lib, t, x, u)` with the functions of numpy, jax.numpy or torch."""

    field: Callable
    x0: tuple[float, ...]
    end: float
    fixed: float
    """Error of rk4 with 50 steps per unit of time, everywhere; relative to 1 + |x|."""
    adaptive: float
    """Error of solvers with rtol = 1e-7 and atol = 1e-9: errors of a step add up, and grow with the dynamics."""

    @property
    def times(self) -> np.ndarray:
        return np.linspace(0.0, self.end, 21)


def linear(m, t, x, u):
    return [2 * x[1] - 0.2 * x[0], -2 * x[0] - 0.2 * x[1]]


def driven(m, t, x, u):
    return [x[1], u - m.sin(x[0]) - 0.3 * x[1] + m.cos(2 * t)]


def lotka_volterra(m, t, x, u):
    return [1.5 * x[0] - x[0] * x[1], x[0] * x[1] - 3 * x[1]]


def rigid_body(m, t, x, u):
    return [-2 * x[1] * x[2], 1.25 * x[0] * x[2], -0.5 * x[0] * x[1]]


def van_der_pol(m, t, x, u):
    return [x[1], (1 - x[0] ** 2) * x[1] - x[0]]


def pendulum(m, t, x, u):
    return [x[1], -m.sin(x[0])]


PROBLEMS = {
    "linear": Problem(linear, (1.0, -0.5), 4.0, fixed=1e-7, adaptive=3e-6),
    "driven": Problem(driven, (0.5, 0.0), 3.0, fixed=1e-7, adaptive=2e-5),
    "lotka_volterra": Problem(lotka_volterra, (2.0, 1.0), 6.0, fixed=1e-6, adaptive=1e-5),
    "rigid_body": Problem(rigid_body, (1.0, 0.2, 0.9), 6.0, fixed=1e-7, adaptive=3e-6),
    "van_der_pol": Problem(van_der_pol, (2.0, 0.0), 6.0, fixed=1e-6, adaptive=1e-5),
    "pendulum": Problem(pendulum, (2.0, 0.0), 6.0, fixed=1e-7, adaptive=3e-6),
}


def reference(
    field: Callable, x0: np.ndarray, times: np.ndarray, jumps: bool = False, method: str = "DOP853"
) -> np.ndarray:
    """States at `times`, solved from edge to edge: a high order needs a control that is smooth."""
    low, high = min(times[0], times[-1]), max(times[0], times[-1])
    edges = np.unique(np.concatenate([times, KNOTS[(low < KNOTS) & (high > KNOTS)]]))
    edges = edges if times[-1] >= times[0] else edges[::-1]
    x, found = np.asarray(x0, float), {edges[0]: np.asarray(x0, float)}
    for start, end in itertools.pairwise(edges):
        held = LEVELS[max(np.searchsorted(KNOTS, (start + end) / 2, side="right") - 1, 0)]

        def rate(t, x, held=held):
            u = held if jumps else np.interp(t, KNOTS, LEVELS)
            return np.stack(field(np, t, x, u))

        solved = scipy.integrate.solve_ivp(rate, (start, end), x, method, rtol=1e-12, atol=1e-13)
        x = found[end] = solved.y[:, -1]
    return np.stack([found[t] for t in times])


@functools.cache
def solution(name: str) -> np.ndarray:
    problem = PROBLEMS[name]
    return reference(problem.field, np.array(problem.x0), problem.times)
