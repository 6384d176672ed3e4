"""Series of systems whose invariants are known, computed by numpy and scipy."""

import numpy as np
from scipy.integrate import solve_ivp


def lorenz(samples: int, dt: float, seed: int = 0) -> np.ndarray:
    """Lorenz-63 on its attractor: exponent 0.906 per unit of time, correlation dimension 2.05."""

    def field(t, x):
        return [10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]]

    start = np.array([0, 0, 25]) + np.random.default_rng(seed).normal(size=3)
    times = 20 + dt * np.arange(samples)
    return solve_ivp(field, (0, times[-1]), start, t_eval=times, rtol=1e-6, atol=1e-8).y.T


def henon(samples: int) -> np.ndarray:
    """Exponent 0.419 per step, correlation dimension 1.21."""
    x = np.empty((samples + 100, 2))
    x[0] = 0.1, 0.1
    for k in range(len(x) - 1):
        x[k + 1] = 1 - 1.4 * x[k, 0] ** 2 + x[k, 1], 0.3 * x[k, 0]
    return x[100:]


def logistic(samples: int, start: float = 0.37) -> np.ndarray:
    """At r = 4: exponent log 2 per step."""
    x = np.empty(samples)
    x[0] = start
    for k in range(samples - 1):
        x[k + 1] = 4 * x[k] * (1 - x[k])
    return x
