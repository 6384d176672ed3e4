"""The pendulum of planning_speed in closed loop."""

import time
from collections.abc import Callable

import numpy as np

DT, BOUND = 0.05, 2.0


def closed_loop(
    planner: Callable[[], Callable[[np.ndarray], float]], starts: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cost of each run, and milliseconds of every action but the first of a run."""
    costs, ms = [], []
    for x in starts:
        act, total = planner(), 0.0
        for k in range(steps):
            started = time.perf_counter()
            u = act(x)
            if k:
                ms.append(1e3 * (time.perf_counter() - started))
            total += 2 * (1 - np.cos(x[0])) + 0.1 * x[1] ** 2 + 0.001 * u**2
            rate = x[1] + DT * (15.0 * np.sin(x[0]) + 3.0 * u)
            x = np.array([x[0] + DT * rate, rate])
        costs.append(total)
    return np.array(costs), np.array(ms)
