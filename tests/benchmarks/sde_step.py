"""How fast is a stochastic solve, and its gradient?

Protocol: Euler-Maruyama, 8 states, 1000 steps over [0, 1], 256 paths, float32, to the final states; forward, and value
and gradient of their mean square with respect to the weights of the drift (a network of 32 tanh units) and of a
diagonal diffusion. Once more with a linear drift, which leaves nothing but overheads. `solve_sde` is asked for
1001 instants; a row each says what 11 instants with 100 substeps cost, and Heun's scheme. Everything is compiled first;
then the sides take turns, so that whatever else the machine does disturbs all alike; medians.

Peers: a jitted scan over noise drawn by one `jax.random.normal` in the same program (the floor: it has no instants, no
keys of its own for the paths, no refinement); diffrax (`diffeqsolve`, Euler, VirtualBrownianTree with a tolerance of
half a step, one path under `vmap`); torchsde (`sdeint`, euler, a batch of 256, its default Brownian interval), with one
thread and with torch's own number, the faster one counts.

Target: 1.5 times the bare scan, 10 times faster than diffrax, 20 times faster than torchsde; forward and gradient.

Seeds: weights 0, noise 1.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ._measure import missing, peer, seconds
from ._rows import Row, Target, at_most
from ._settings import Settings

STATES, WIDTH, END = 8, 32, 1.0
Work = Callable[[], Any]
LIMITS = {"scan": 1.5, "diffrax": 1 / 10, "torchsde": 1 / 20}


def run(settings: Settings) -> list[Row]:
    steps, paths = settings.size(1000, 20), settings.size(256, 8)
    rows: list[Row] = []
    for drift in ("network", "linear"):
        rows += _compared(drift, steps, paths, settings)
    return rows


def _compared(drift: str, steps: int, paths: int, settings: Settings) -> Iterator[Row]:
    sides = {**_jax_sides(drift, steps, paths), **_torch(drift, steps, paths)}
    for index, what in enumerate(("forward", "gradient")):
        took = _in_turns({name: pair[index] for name, pair in sides.items()}, settings)
        for name, limit in LIMITS.items():
            title = f"{drift} drift, {what}, beside {name}"
            best = _fastest(took, name)
            if best is None:
                yield Row(title, None, "ms", note=missing(name))
                continue
            label = "jax.lax.scan" if name == "scan" else f"{peer(name)}{best.removeprefix(name)}"
            # The linear drift is there to show overheads; it has no target.
            target: Target | None = at_most(limit, "ratio") if drift == "network" else None
            floor = np.median(took["scan"]) / np.median(took[best])
            note = "" if name == "scan" else f"the bare scan: ratio {floor:.3g}"
            yield Row.repeated(title, took["here"], "ms", label, took[best], target, note)
        for name in ("substeps", "heun"):
            yield Row.repeated(
                f"{drift} drift, {what}, {name}", took[name], "ms", "jax.lax.scan", took["scan"]
            )


def _fastest(took: dict[str, list[float]], side: str) -> str | None:
    found = [(float(np.median(took[label])), label) for label in took if label.startswith(side)]
    return min(found)[1] if found else None


def _in_turns(sides: dict[str, Work], settings: Settings) -> dict[str, list[float]]:
    """Milliseconds of each side, the slow ones less often.

    Torch's threads go on spinning for a while after its turn: in an order that is drawn anew for every repeat,
    that falls on all sides alike.
    """
    took: dict[str, list[float]] = {side: [] for side in sides}
    rng = np.random.default_rng(0)
    for work in sides.values():
        work()
    for repeat in range(settings.times(20)):
        for side, work in rng.permutation(np.array(list(sides.items()), dtype=object)):
            slow = bool(took[side]) and min(took[side]) > 500
            if not slow or repeat % 7 == 0:
                took[side] += [1e3 * s for s in seconds(work, 1)]
    return took


def _weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "V": 0.3 * rng.normal(size=(STATES, WIDTH)),
        "c": 0.1 * rng.normal(size=WIDTH),
        "W": 0.3 * rng.normal(size=(WIDTH, STATES)),
        "a": 1 + 0.1 * rng.normal(size=STATES),
        "s": 0.2 + 0.01 * rng.normal(size=STATES),
    }


def _drift(kind: str, x: Any, p: Any, tanh: Callable) -> Any:
    return tanh(x @ p["V"] + p["c"]) @ p["W"] if kind == "network" else -p["a"] * x


def _diffusion(x: Any, p: Any) -> Any:
    return p["s"] * x


def _jax_sides(drift: str, steps: int, paths: int) -> dict[str, tuple[Work, Work]]:
    import jax.numpy as jnp

    instants = jnp.linspace(0, END, steps + 1)
    return {
        "here": _compiled(_ours(drift, instants, "euler_maruyama", 1), paths),
        "substeps": _compiled(_ours(drift, instants[:: steps // 10], "euler_maruyama", steps // 10), paths),
        "heun": _compiled(_ours(drift, instants, "heun", 1), paths),
        "scan": _compiled(_scan(drift, steps, paths), paths),
        "diffrax": _compiled(_diffrax(drift, steps), paths),
    }


def _compiled(solve: Callable[[Any, Any, Any], Any], paths: int) -> tuple[Work, Work]:
    """Forward, and value and gradient, of `solve(weights, x0, key) -> final states`."""
    import jax
    import jax.numpy as jnp

    weights = jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), _weights())
    x0, key = jnp.ones((paths, STATES), jnp.float32), jax.random.key(1)
    forward = jax.jit(solve)
    step = jax.jit(jax.value_and_grad(lambda w, x0, key: jnp.mean(solve(w, x0, key) ** 2)))
    return (
        lambda: jax.block_until_ready(forward(weights, x0, key)),
        lambda: jax.block_until_ready(step(weights, x0, key)),
    )


def _ours(drift: str, instants: Any, scheme: str, substeps: int) -> Callable[[Any, Any, Any], Any]:
    import jax
    import jax.numpy as jnp

    import dynlearn as dl

    solver = dl.solvers.StochasticStep(scheme, substeps)

    def solve(weights: Any, x0: Any, key: Any) -> Any:
        def one(x0, key):
            return dl.solvers.solve_sde(
                lambda t, x, u, p: _drift(drift, x, p, jnp.tanh),
                lambda t, x, u, p: _diffusion(x, p),
                x0,
                instants,
                key=key,
                parameters=weights,
                solver=solver,
                calculus="stratonovich" if scheme == "heun" else "ito",
            ).last

        return jax.vmap(one)(x0, jax.random.split(key, len(x0)))

    return solve


def _scan(drift: str, steps: int, paths: int) -> Callable[[Any, Any, Any], Any]:
    import jax
    import jax.numpy as jnp

    h = END / steps

    def solve(weights: Any, x0: Any, key: Any) -> Any:
        noise = h**0.5 * jax.random.normal(key, (steps, paths, STATES), jnp.float32)

        def step(x, dW):
            return x + h * _drift(drift, x, weights, jnp.tanh) + _diffusion(x, weights) * dW, None

        return jax.lax.scan(step, x0, noise)[0]

    return solve


def _diffrax(drift: str, steps: int) -> Callable[[Any, Any, Any], Any]:
    import diffrax
    import jax
    import jax.numpy as jnp
    import lineax

    h = END / steps

    def solve(weights: Any, x0: Any, key: Any) -> Any:
        def one(x0, key):
            tree = diffrax.VirtualBrownianTree(0.0, END, tol=h / 2, shape=(STATES,), key=key)
            terms = diffrax.MultiTerm(
                diffrax.ODETerm(lambda t, x, p: _drift(drift, x, p, jnp.tanh)),
                diffrax.ControlTerm(lambda t, x, p: lineax.DiagonalLinearOperator(_diffusion(x, p)), tree),
            )
            solved = diffrax.diffeqsolve(
                terms, diffrax.Euler(), 0.0, END, h, x0, weights, saveat=diffrax.SaveAt(t1=True)
            )
            return solved.ys[0]

        return jax.vmap(one)(x0, jax.random.split(key, len(x0)))

    return solve


def _torch(drift: str, steps: int, paths: int, device: str = "cpu") -> dict[str, tuple[Work, Work]]:
    if peer("torchsde") is None:
        return {}
    import torch
    import torchsde

    kind = {"dtype": torch.float32, "device": device}
    weights = {k: torch.tensor(w, requires_grad=True, **kind) for k, w in _weights().items()}
    x0, times = torch.ones(paths, STATES, **kind), torch.tensor([0.0, END], **kind)
    usual = torch.get_num_threads()

    class Equation(torch.nn.Module):
        sde_type, noise_type = "ito", "diagonal"

        def f(self, t: Any, x: Any) -> Any:
            return _drift(drift, x, weights, torch.tanh)

        def g(self, t: Any, x: Any) -> Any:
            return _diffusion(x, weights)

    def solved() -> Any:
        return torchsde.sdeint(Equation(), x0, times, dt=END / steps, method="euler")[-1]

    def forward(threads: int) -> None:
        torch.set_num_threads(threads)
        with torch.no_grad():
            solved().cpu()
        torch.set_num_threads(usual)

    def gradient(threads: int) -> None:
        torch.set_num_threads(threads)
        used = [w for k, w in weights.items() if (k == "a") != (drift == "network") or k == "s"]
        found = torch.autograd.grad((solved() ** 2).mean(), used, allow_unused=True)
        [slope.cpu() for slope in found if slope is not None]  # a GPU's work is done when its result is here
        torch.set_num_threads(usual)

    return {
        f"torchsde, {n} threads": (lambda n=n: forward(n), lambda n=n: gradient(n))
        for n in (sorted({1, usual}) if device == "cpu" else [usual])
    }
