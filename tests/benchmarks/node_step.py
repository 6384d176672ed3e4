"""How fast is a training step of a Neural ODE?

Protocol: value and gradient, with respect to the weights of a network of 2x64 tanh units, of the mean squared
error over 32 trajectories of 2 states at 100 instants in [0, 5], float32, at rtol 1e-4, atol 1e-6. Twice: at
weights of twice the usual size, whose trajectories swing, and near zero, as an untrained model starts. The
targets of the error are another network's trajectories. Everything is compiled first; then the sides take turns,
and of three calls each the fastest counts (15 turns; 2 for `odeint_adjoint`). Errors are the largest of a gradient
entry, relative to the largest entry of a reference in float64 at rtol 1e-10; errors of values likewise.

Peers: torchdiffeq (`odeint`, dopri5, one step size for the whole batch; and `odeint_adjoint`), with one thread
and with torch's own number, the faster one counts; diffrax (`diffeqsolve`, Tsit5, its default adjoint, SaveAt(ts)),
one solve per trajectory, under `vmap`.

Target: 6 times faster than torchdiffeq; not slower than diffrax (5 % for the noise of a shared machine).

Seeds: weights 0 and 1, initial states 0.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ._measure import peer, seconds
from ._rows import Row, at_most
from ._settings import Settings

RTOL, ATOL, WIDTH, STATES = 1e-4, 1e-6, 64, 2
SIZES = {"swinging": 2.0, "untrained": 0.1}
Work = Callable[[], Any]
Weights = list[tuple[np.ndarray, np.ndarray]]


def run(settings: Settings) -> list[Row]:
    runs, count = settings.size(32, 4), settings.size(100, 10)
    rows: list[Row] = []
    for name, size in SIZES.items():
        rows += _steps(name, _problem(size, runs, count), settings)
    return [*rows, *_models(runs, count, settings)]


def _problem(size: float, runs: int, count: int) -> tuple[Weights, np.ndarray, np.ndarray, np.ndarray]:
    """Weights, initial states, instants, and the states to be learned."""
    x0 = np.random.default_rng(0).normal(size=(runs, STATES))
    times = np.linspace(0, 5, count)
    with _float64():
        target = np.asarray(_ours(_weights(1, 2.0), x0, times, None, _reference())[1]())
    return _weights(0, size), x0, times, target


def _weights(seed: int, size: float) -> Weights:
    rng = np.random.default_rng(seed)
    shapes = (STATES, WIDTH), (WIDTH, WIDTH), (WIDTH, STATES)
    return [(size * rng.normal(size=s) / np.sqrt(s[0]), 0.1 * rng.normal(size=s[1])) for s in shapes]


def _steps(name: str, problem: tuple, settings: Settings) -> Iterator[Row]:
    import dynlearn as dl

    with _float64():
        exact, path = (work() for work in _ours(*problem, _reference()))
    ours = _ours(*problem, dl.solvers.Adaptive("tsit5", RTOL, ATOL))
    fixed = _ours(*problem, dl.solvers.FixedStep("rk4"))
    diffrax = _diffrax(*problem)
    sides = {"here": ours[0], "fixed": fixed[0], "diffrax": diffrax[0], **_torch(*problem)}
    took = _in_turns(sides, settings)
    for side, label, limit in (("odeint", "odeint", 1 / 6), ("adjoint", "odeint_adjoint", None)):
        if best := _fastest(took, side):
            target = at_most(limit, "ratio") if limit else None
            title = f"{peer('torchdiffeq')}, {label}, {best.removeprefix(side + ' ')}"
            yield Row.repeated(f"{name}: step, beside {label}", took["here"], "ms", title, took[best], target)
    known = peer("diffrax")
    yield Row.repeated(
        f"{name}: step, beside diffrax", took["here"], "ms", known, took["diffrax"], at_most(1.05, "ratio")
    )
    yield Row.repeated(f"{name}: step, FixedStep('rk4')", took["fixed"], "ms", known, took["diffrax"])
    for label, (work, states) in (("here", ours), ("FixedStep('rk4')", fixed), ("diffrax", diffrax)):
        yield Row(f"{name}: error of the gradient, {label}", _distance(work()[1], exact[1]))
        yield Row(f"{name}: error of the states, {label}", _distance(states(), path))
    if "odeint" in "".join(sides):
        side = next(s for s in sides if s.startswith("odeint"))
        yield Row(f"{name}: error of the gradient, torchdiffeq", _distance(sides[side](), exact[1]))


def _fastest(took: dict[str, list[float]], side: str) -> str | None:
    found = [(float(np.median(took[label])), label) for label in took if label.startswith(side)]
    return min(found)[1] if found else None


def _in_turns(sides: dict[str, Work], settings: Settings) -> dict[str, list[float]]:
    """Milliseconds of each side, the fastest of three calls in every turn; the first turn is not counted."""
    took: dict[str, list[float]] = {side: [] for side in sides}
    for repeat in range(settings.times(15) + 1):
        for side, work in sides.items():
            if side.startswith("adjoint") and repeat > 2:
                continue  # takes seconds, and no target hangs on it
            found = 1e3 * min(seconds(work, 3 if repeat else 1))
            took[side] += [found] if repeat else []
    return took


def _distance(found: Any, exact: Any) -> float:
    import jax

    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(exact), strict=True)
    worst = max(
        float(np.abs(np.asarray(a, float).reshape(np.shape(b)) - np.asarray(b)).max()) for a, b in pairs
    )
    return worst / max(float(np.abs(np.asarray(b)).max()) for b in jax.tree.leaves(exact))


def _float64() -> Any:
    import jax

    return jax.enable_x64(True)


def _reference() -> Any:
    import dynlearn as dl

    return dl.solvers.Adaptive("dopri8", 1e-10, 1e-12)


def _net(weights: Any, x: Any) -> Any:
    import jax.numpy as jnp

    *inner, (W, b) = weights
    for V, c in inner:
        x = jnp.tanh(x @ V + c)
    return x @ W + b


def _compiled(solve: Callable[[Any, Any], Any], weights: Weights, x0: Any, target: Any) -> tuple[Work, Work]:
    """Value and gradient, and the states, of `solve(weights, x0)` for every trajectory."""
    import jax
    import jax.numpy as jnp

    weights, x0 = jax.tree.map(lambda a: jnp.asarray(a, float), (weights, x0))
    target = jnp.zeros(()) if target is None else jnp.asarray(target, float)

    def states(weights: Any) -> Any:
        return jax.vmap(lambda x: solve(weights, x))(x0)

    step = jax.jit(jax.value_and_grad(lambda w: jnp.mean((states(w) - target) ** 2)))
    path = jax.jit(states)
    return lambda: jax.block_until_ready(step(weights)), lambda: jax.block_until_ready(path(weights))


def _ours(weights: Weights, x0: Any, times: Any, target: Any, solver: Any) -> tuple[Work, Work]:
    import jax.numpy as jnp

    import dynlearn as dl

    instants = jnp.asarray(times, float)

    def solve(weights: Any, x: Any) -> Any:
        field = lambda t, x, u, weights: _net(weights, x)  # noqa: E731
        return dl.solvers.solve_ode(field, x, instants, parameters=weights, solver=solver).states

    return _compiled(solve, weights, x0, target)


def _diffrax(weights: Weights, x0: Any, times: Any, target: Any) -> tuple[Work, Work]:
    import diffrax
    import jax.numpy as jnp

    instants = jnp.asarray(times, float)

    def solve(weights: Any, x: Any) -> Any:
        return diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, x, weights: _net(weights, x)),
            diffrax.Tsit5(),
            instants[0],
            instants[-1],
            None,
            x,
            weights,
            saveat=diffrax.SaveAt(ts=instants),
            stepsize_controller=diffrax.PIDController(RTOL, ATOL),
        ).ys

    return _compiled(solve, weights, x0, target)


def _torch(weights: Weights, x0: Any, times: Any, target: Any, device: str = "cpu") -> dict[str, Work]:
    if peer("torchdiffeq") is None:
        return {}
    import torch
    import torchdiffeq

    layers = []
    for W, b in weights:
        layer = torch.nn.Linear(*W.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(W.T))
            layer.bias.copy_(torch.tensor(b))
        layers += [layer, torch.nn.Tanh()]
    net = torch.nn.Sequential(*layers[:-1]).to(device)
    x, t, y = (torch.tensor(np.asarray(a), dtype=torch.float32, device=device) for a in (x0, times, target))
    y = y.transpose(0, 1)

    class Field(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, t: Any, x: Any) -> Any:
            return self.net(x)

    field, usual = Field(), torch.get_num_threads()

    def step(solver: Callable, threads: int) -> Any:
        torch.set_num_threads(threads)
        net.zero_grad()
        loss = ((solver(field, x, t, rtol=RTOL, atol=ATOL, method="dopri5") - y) ** 2).mean()
        loss.backward()
        torch.set_num_threads(usual)
        # A torch layer holds the transpose.
        return [
            (layer.weight.grad.cpu().numpy().T.copy(), layer.bias.grad.cpu().numpy().copy())
            for layer in layers[:-1:2]
        ]

    solvers = {"odeint": torchdiffeq.odeint, "adjoint": torchdiffeq.odeint_adjoint}
    counts = sorted({1, usual}) if device == "cpu" else [usual]
    return {
        f"{name} {n} threads": lambda solver=solver, n=n: step(solver, n)
        for name, solver in solvers.items()
        for n in counts
    }


def _models(runs: int, count: int, settings: Settings) -> Iterator[Row]:
    """The same step through a model, its objective and its windows."""
    import dynlearn as dl
    from dynlearn.fitting.examples import Examples

    ds = dl.datasets.load("pendulum", runs=runs, length=count, key=0)
    sides = {}
    for name, solver in (("Adaptive", dl.solvers.Adaptive("tsit5", RTOL, ATOL)), ("FixedStep", None)):
        options = {"solver": solver} if solver else {}
        model = dl.models.NeuralODE.from_data(ds, hidden=0, memory=1, width=WIDTH, key=0, **options)
        batch = Examples.of(model, ds, count - 1, "train").spread(runs)
        sides[name] = _model_step(model, batch)
    for name, took in _in_turns(sides, settings).items():
        yield Row.repeated(f"NeuralODE with {name}: multi_step and gradient", took, "ms")


def _model_step(model: Any, batch: Any) -> Work:
    import equinox as eqx
    import jax

    from dynlearn.fitting import multi_step

    step = eqx.filter_jit(eqx.filter_value_and_grad(lambda m: multi_step(m, batch, jax.random.key(0))[0]))
    return lambda: jax.block_until_ready(jax.tree.leaves(step(model)))
