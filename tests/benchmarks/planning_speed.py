"""How fast, and how well, do our plans control beside those of the planners of torch and CasADi?

Protocol: network: one step is x + 0.1 f(x, u), f of 2x200 tanh units with random weights, 4 states, 1 control within
+-1, cost x'x + 0.01 u^2, horizon 15, 500 paths a plan (CEM: 4 rounds of 125); milliseconds per action, state to
control on the host, after a warm-up. Pendulum: torque within +-2 N m lifts it only by swinging up, equations known
(rate' = rate + (15 sin(angle) + 3 u) dt, angle' = angle + rate' dt, dt = 0.05 s), cost 2 (1 - cos(angle)) +
0.1 rate^2 + 0.001 u^2 summed over 100 steps of closed loop, horizon 20, every planner at its own settings; the mean
over 5 starts, and milliseconds per action. CPU, float32 (IPOPT: float64). CEM with its defaults.

Peers: in the peers' environment: pytorch_mppi (500 paths; the faster of one thread and all;
temperature 0.01, 0.1 or 1 and noise variance 1 or 4
chosen on 2 other starts), do-mpc (CasADi, IPOPT, each plan started from the last).

Target: no slower than pytorch_mppi at as many paths; closed-loop cost within 5 % of the better peer's.

Seeds: weights 0, starts 0, to choose by 1.
"""

import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ._peers import ask
from ._rows import Row, at_most
from ._settings import Settings, Unavailable

STATES, WIDTH, HORIZON, PATHS = 4, 200, 15, 500
DT, BOUND, LOOK = 0.05, 2.0, 20
Transition = Callable[[Any, Any, Any, Any], Any]


def run(settings: Settings) -> list[Row]:
    steps = settings.size(100, 10)
    given: dict[str, Any] = {
        **_weights(),
        "starts": _starts(0, settings.size(5, 1)),
        "chosen_on": _starts(1, settings.size(2, 1)),
        "actions": settings.size(200, 5),
        "steps": steps,
        "horizon": HORIZON,
        "look": LOOK,
        "paths": PATHS,
    }
    peers, rows = {}, []
    for name in ("pytorch_mppi", "do_mpc"):
        try:
            peers[name] = ask(f"{name}_planning", **given)
        except Unavailable as error:
            rows.append(Row(f"beside {name}", None, note=str(error)))
    network, ours = _network(given), _pendulum(given["starts"], steps)
    mppi = peers.get("pytorch_mppi", {})
    label = str(mppi["peer"]) if mppi else None
    beside = mppi.get("network_ms", ())
    rows.append(
        Row.repeated("network: time per action", network, "ms", label, beside, at_most(1.0, of="ratio"))
    )
    best = min((float(found["costs"].mean()) for found in peers.values()), default=None)
    within = at_most(1.05, of="ratio")
    cost = float(ours["costs"].mean())
    rows.append(Row("pendulum: closed-loop cost", cost, "", "the better peer", best, within))
    for name, found in peers.items():
        peer, setting = str(found["peer"]), str(found["setting"])
        theirs = float(found["costs"].mean())
        rows.append(Row(f"pendulum: closed-loop cost beside {name}", cost, "", peer, theirs, note=setting))
        label = f"pendulum: time per action beside {name}"
        rows.append(Row.repeated(label, ours["ms"], "ms", peer, found["ms"], note=setting))
    return rows


def _weights() -> dict[str, np.ndarray]:
    rng, sizes = np.random.default_rng(0), (STATES + 1, WIDTH, WIDTH, STATES)
    return {
        f"w{i}": (rng.normal(size=(a, b)) / np.sqrt(a)).astype("f4")
        for i, (a, b) in enumerate(itertools.pairwise(sizes))
    }


def _starts(seed: int, count: int) -> np.ndarray:
    """(start, 2): angle and rate, near hanging down (angle pi)."""
    return np.array([np.pi, 0.0]) + np.random.default_rng(seed).uniform(-0.5, 0.5, (count, 2))


def _network(given: dict[str, Any]) -> list[float]:
    import jax.numpy as jnp

    from dynlearn.control import CEM, StageCost

    w0, w1, w2 = (jnp.asarray(given[f"w{i}"]) for i in range(3))

    def step(x, u, k, key):
        return x + 0.1 * jnp.tanh(jnp.tanh(jnp.concatenate([x, u]) @ w0) @ w1) @ w2

    cost = StageCost(lambda x, u, k: x @ x + 0.01 * u @ u, lambda x: x @ x)
    plan = _planner(CEM(samples=PATHS // 4), step, cost, HORIZON, 1.0)
    x = np.ones(STATES, "f4")
    plan(x)
    return [plan(x)[1] for _ in range(given["actions"])]


def _pendulum(starts: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    import jax.numpy as jnp

    from dynlearn.control import CEM, StageCost

    def step(x, u, k, key):
        rate = x[1] + DT * (15.0 * jnp.sin(x[0]) + 3.0 * u[0])
        return jnp.stack([x[0] + DT * rate, rate])

    def upright(x):
        return 2 * (1 - jnp.cos(x[0])) + 0.1 * x[1] ** 2

    cost, costs, ms = StageCost(lambda x, u, k: upright(x) + 0.001 * u @ u, upright), [], []
    for start in starts:
        plan, x, total = _planner(CEM(), step, cost, LOOK, BOUND), start, 0.0
        for _ in range(steps):
            u, took = plan(x.astype("f4"))
            total += 2 * (1 - np.cos(x[0])) + 0.1 * x[1] ** 2 + 0.001 * u[0] ** 2
            rate = x[1] + DT * (15.0 * np.sin(x[0]) + 3.0 * u[0])
            x = np.array([x[0] + DT * rate, rate])
            ms.append(took)
        costs.append(total)
        del ms[len(ms) - steps]  # compiled with the first action
    return {"costs": np.array(costs), "ms": np.array(ms)}


def _planner(planner: Any, step: Transition, cost: Any, horizon: int, bound: float) -> Callable:
    """From a state to the first control of the plan and the milliseconds that it took; plans go on from the last."""
    import jax
    import jax.numpy as jnp

    memory = planner.init(horizon, 1, jnp.array([-bound]), jnp.array([bound]))
    key = jax.random.key(0)

    @jax.jit
    def act(x, memory, key):
        now, later = jax.random.split(key)
        plan, memory = planner.plan(step, cost, x, memory, now)
        return plan.controls[0], memory, later

    def timed(x: np.ndarray) -> tuple[np.ndarray, float]:
        nonlocal memory, key
        started = time.perf_counter()
        u, memory, key = act(x, memory, key)
        return np.asarray(u), 1e3 * (time.perf_counter() - started)

    return timed
