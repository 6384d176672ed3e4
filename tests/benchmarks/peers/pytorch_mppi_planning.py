"""pytorch_mppi: a network at speed, and the pendulum in closed loop."""

import functools
import itertools
import time
from collections.abc import Callable

import numpy as np
import torch
from _pendulum import BOUND, DT, closed_loop
from _serve import serve
from pytorch_mppi import MPPI


def answer(w0, w1, w2, starts, chosen_on, actions, steps, horizon, look, paths):
    threads = sorted({1, torch.get_num_threads()})
    settings = itertools.product((0.01, 0.1, 1.0), (1.0, 4.0))
    plan = functools.partial(_pendulum, look=int(look), paths=int(paths))
    tried = []
    for temperature, variance in settings:
        torch.manual_seed(0)
        costs, _ = closed_loop(lambda t=temperature, v=variance: plan(t, v), chosen_on, int(steps))
        tried.append((costs.mean(), temperature, variance))
    _, temperature, variance = min(tried)
    torch.manual_seed(0)
    costs, ms = closed_loop(lambda: plan(temperature, variance), starts, int(steps))
    return {
        "network_ms": min(
            (_network([w0, w1, w2], int(actions), int(horizon), int(paths), n) for n in threads),
            key=np.median,
        ),
        "costs": costs,
        "ms": ms,
        "setting": f"temperature {temperature:g}, noise variance {variance:g}, {paths} paths",
    }


def _network(weights: list[np.ndarray], actions: int, horizon: int, paths: int, threads: int) -> np.ndarray:
    torch.set_num_threads(threads)
    w0, w1, w2 = map(torch.tensor, weights)

    def step(x, u):
        return x + 0.1 * torch.tanh(torch.tanh(torch.cat([x, u], 1) @ w0) @ w1) @ w2

    def cost(x, u):
        return (x**2).sum(1) + 0.01 * (u**2).sum(1)

    mppi = MPPI(
        step, cost, len(w2[0]), torch.eye(1), paths, horizon, u_min=-torch.ones(1), u_max=torch.ones(1)
    )
    x, ms = torch.ones(len(w2[0])), []
    with torch.no_grad():
        for _ in range(actions + 1):
            started = time.perf_counter()
            mppi.command(x).numpy()
            ms.append(1e3 * (time.perf_counter() - started))
    return np.array(ms[1:])


def _pendulum(temperature: float, variance: float, look: int, paths: int) -> Callable[[np.ndarray], float]:
    def step(x, u):
        rate = x[:, 1] + DT * (15.0 * torch.sin(x[:, 0]) + 3.0 * u[:, 0])
        return torch.stack([x[:, 0] + DT * rate, rate], 1)

    def upright(x):
        return 2 * (1 - torch.cos(x[..., 0])) + 0.1 * x[..., 1] ** 2

    bound = BOUND * torch.ones(1)
    mppi = MPPI(
        step,
        lambda x, u: upright(x) + 0.001 * u[:, 0] ** 2,
        2,
        variance * torch.eye(1),
        paths,
        look,
        lambda_=temperature,
        terminal_state_cost=lambda states, actions: upright(states[..., -1, :]),
        u_min=-bound,
        u_max=bound,
    )

    @torch.no_grad()
    def act(x: np.ndarray) -> float:
        return float(mppi.command(torch.tensor(x, dtype=torch.float32))[0])

    return act


if __name__ == "__main__":
    serve("pytorch_mppi", answer)
