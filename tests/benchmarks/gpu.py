"""What does a GPU bring, and does it give the numbers of the CPU?

Protocol: one machine, one run; float32 except for the filter. The Neural ODE step, the Euler-Maruyama solve (network
drift) and the log-likelihood by Kalman filter are those of `node_step`, `sde_step` and `kalman`, at their size there
and in a larger batch; RK4 with its gradient is that of `scaling`, up to 65 536 trajectories. The verbs: `dl.fit` of
an ensemble of 4 Neural ODEs to 64 pendulum runs by 200 steps; `dl.forecast` of 512 runs with 100 paths each; one
action of MPC with the default planner over a network of 2x200 units and 15 steps. Compiled first; the sides take
turns; medians. "cpu" is this package on the processor of the same machine, with all of its cores. Differences are the
largest between the GPU's result and the CPU's, relative to the largest value.

Peers: on the same GPU, diffrax, torchdiffeq, torchsde, a bare scan over noise drawn in the same program; the sequential
filter for the one that is parallel in time.

Target: not slower than diffrax (5 % for noise), ten times faster than torchdiffeq and torchsde; differences of at most
1e-4 in float32, 1e-8 in float64.

Seeds: those of the scripts named; data, fits and forecasts 0.
"""

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import kalman, node_step, scaling, sde_step
from ._measure import missing, peer, seconds
from ._rows import Row, at_most
from ._settings import Settings, Unavailable

Work = Callable[[], Any]
CPU = "dynlearn on the CPU"


def run(settings: Settings) -> list[Row]:
    import jax

    found = [d for d in jax.devices() if d.platform == "gpu"]
    if not found and not settings.quick:
        raise Unavailable("JAX finds no GPU here.")
    places = {"gpu": (found or jax.devices("cpu"))[0], "cpu": jax.devices("cpu")[0]}
    note = f"{places['gpu'].device_kind}, JAX {jax.__version__}" if found else "no GPU here: the CPU twice"
    rows = [Row("device", None, note=note)]
    started = time.perf_counter()
    for part in (_verbs, _sde, _ode, _growth, _filter):
        with jax.default_device(places["gpu"]):
            for row in part(places, settings):
                rows.append(row)
                after = f"{time.perf_counter() - started:.0f} s"
                print(f"gpu: {after}: {row.name}: {row.value:.4g} {row.unit}", file=sys.stderr, flush=True)
    return rows


def _verbs(places: dict[str, Any], settings: Settings) -> Iterator[Row]:
    """What a user calls, on either side; the numbers compared come from one and the same model."""
    import equinox as eqx
    import jax

    import dynlearn as dl

    ds = dl.datasets.load("pendulum", runs=settings.size(64, 6), length=60, key=0)
    many = dl.datasets.load("pendulum", runs=settings.size(512, 6), length=60, key=1)
    method = dl.fitting.Gradient(steps=settings.size(200, 5))
    ode = dl.models.NeuralODE.from_data(ds, width=64, key=0)
    net = dl.models.NeuralMap.from_data(ds, hidden=0, memory=1, width=200, depth=2, key=0)
    with jax.default_device(places["cpu"]):
        few = dl.fitting.Gradient(steps=settings.size(50, 2))
        fitted = [dl.fit(model, ds, method=few, key=0, progress=False).model for model in (ode, net)]
    arrays, rest = eqx.partition(fitted, eqx.is_array)
    took: dict[str, dict[str, list[float]]] = {}
    results: dict[str, dict[str, Any]] = {}
    for side, place in places.items():
        with jax.default_device(place):
            forecaster, planner = eqx.combine(jax.device_put(arrays, place), rest)
            ensemble = dl.models.Ensemble.of(ode, 4, key=0)
            works: dict[str, Work] = {
                "dl.fit": lambda start=ensemble: dl.fit(start, ds, method=method, key=0, progress=False),
                "dl.forecast": lambda model=forecaster: _forecast(model, many),
                "MPC.act": _action(planner),
            }
            results[side] = {what: work() for what, work in works.items()}
            took[side] = {
                what: [1e3 * s for s in seconds(work, 1 if what == "dl.fit" else settings.times(10))]
                for what, work in works.items()
            }
    for what, here in took["gpu"].items():
        yield Row.repeated(f"{what}, beside cpu", here, "ms", CPU, took["cpu"][what])
    for what in ("dl.forecast", "MPC.act"):
        yield _same(what, results["gpu"][what], results["cpu"][what], 1e-4)


def _forecast(model: Any, ds: Any) -> np.ndarray:
    import dynlearn as dl

    context, ahead = ds.isel(time=slice(0, 40)), ds["control"].values[:, 39:59]
    return dl.forecast(model, context, 20, ahead, samples=100, key=0)["output"].values


def _action(model: Any) -> Work:
    import dynlearn as dl

    cost = dl.control.Quadratic([0.0, 0.0], [1.0, 0.1], [0.01])
    mpc = dl.control.MPC(model, cost, 15, bounds=(-2.0, 2.0))
    memory, observation = mpc.init(key=0), np.array([1.0, 0.0])
    return lambda: mpc.act(memory, observation)[0]


def _ode(places: dict[str, Any], settings: Settings) -> Iterator[Row]:
    import jax

    import dynlearn as dl

    count = settings.size(100, 10)
    solver = dl.solvers.Adaptive("tsit5", node_step.RTOL, node_step.ATOL)
    for runs in (32, settings.size(4096, 64)):
        # The reference in float64 is not what is timed.
        with jax.default_device(places["cpu"]):
            problem = node_step._problem(node_step.SIZES["swinging"], runs, count)
        sides = {
            "here": node_step._ours(*problem, solver)[0],
            "rk4": node_step._ours(*problem, dl.solvers.FixedStep("rk4"))[0],
            "diffrax": node_step._diffrax(*problem)[0],
        }
        torch = node_step._torch(*problem, device=_torch_device(places))
        if label := next((label for label in torch if label.startswith("odeint")), None):
            sides["torchdiffeq"] = torch[label]
        sides["cpu"] = _on(places["cpu"], lambda p=problem: node_step._ours(*p, solver)[0])
        took, title = _in_turns(sides, settings), f"Neural ODE step, {runs} trajectories"
        yield from _beside(title, took, {"diffrax": 1.05, "torchdiffeq": 0.1, "cpu": None})
        yield Row.repeated(f"{title}, FixedStep('rk4')", took["rk4"], "ms", peer("diffrax"), took["diffrax"])
        yield _same(title, sides["here"](), sides["cpu"](), 1e-4)


def _sde(places: dict[str, Any], settings: Settings) -> Iterator[Row]:

    steps, limits = settings.size(1000, 20), {"scan": None, "diffrax": 1.05, "torchsde": 0.1, "cpu": None}
    for paths in (settings.size(256, 8), settings.size(16_384, 16)):
        sides = {
            name: sde_step._jax_sides("network", steps, paths)[name] for name in ("here", "scan", "diffrax")
        }
        if torch := sde_step._torch("network", steps, paths, device=_torch_device(places)):
            sides["torchsde"] = next(iter(torch.values()))
        sides["cpu"] = _on(places["cpu"], lambda n=paths: sde_step._jax_sides("network", steps, n)["here"])
        for index, what in enumerate(("forward", "gradient")):
            works = {name: pair[index] for name, pair in sides.items()}
            title = f"Euler-Maruyama, {paths} paths, {what}"
            yield from _beside(title, _in_turns(works, settings), limits)
            yield _same(title, works["here"](), works["cpu"](), 1e-4)


def _filter(places: dict[str, Any], settings: Settings) -> Iterator[Row]:
    from dynlearn.numerics import precision

    with precision.float64():
        for length in (40, 80) if settings.quick else (1000, 10_000, 100_000):
            given = kalman.problem("4 states", length, 1)
            works = {
                "here": kalman._compiled(kalman._parallel, *given)[0],
                "sequential, CPU": _on(places["cpu"], lambda g=given: kalman._compiled(kalman._here, *g)[0]),
            }
            if length <= 10_000:  # a step of it starts many small kernels: seconds for more
                works["sequential, GPU"] = kalman._compiled(kalman._here, *given)[0]
            title, took = f"parallel filter, {length} samples", _in_turns(works, settings)
            for side in list(works)[1:]:
                yield Row.repeated(f"{title}, beside {side}", took["here"], "ms", side, took[side])
            yield _same(title, works["here"](), works["sequential, CPU"](), 1e-8)


def _growth(places: dict[str, Any], settings: Settings) -> Iterator[Row]:
    sizes = [4, 8, 16] if settings.quick else [64, 1024, 16_384, 65_536]
    took = [scaling._milliseconds(scaling._gradient(n, 200), settings) for n in sizes]
    yield scaling._row("RK4 with gradient: time over trajectories", sizes, took, (sizes[-1], 200))


def _on(place: Any, make: Callable[[], Any]) -> Any:
    """What `make` returns, a work or a pair of works, made and run on `place`."""
    import jax

    def there(work: Work) -> Work:
        def placed() -> Any:
            with jax.default_device(place):
                return work()

        return placed

    with jax.default_device(place):
        made = make()
    return tuple(map(there, made)) if isinstance(made, tuple) else there(made)


def _torch_device(places: dict[str, Any]) -> str:
    import torch

    return "cuda" if places["gpu"].platform == "gpu" and torch.cuda.is_available() else "cpu"


def _in_turns(sides: dict[str, Work], settings: Settings) -> dict[str, list[float]]:
    """Milliseconds of each side; what takes long is timed twice only."""
    took: dict[str, list[float]] = {side: [] for side in sides}
    for work in sides.values():
        work()
    for repeat in range(settings.times(10)):
        for side, work in sides.items():
            if repeat < 2 or min(took[side]) < 300:
                took[side] += [1e3 * s for s in seconds(work, 1)]
    return took


def _beside(title: str, took: dict[str, list[float]], limits: dict[str, float | None]) -> Iterator[Row]:
    labels = {"scan": "jax.lax.scan", "cpu": CPU}
    for side, limit in limits.items():
        if side not in took:
            yield Row(f"{title}, beside {side}", None, "ms", note=missing(side))
            continue
        target = None if limit is None else at_most(limit, "ratio")
        label = labels.get(side) or peer(side)
        yield Row.repeated(f"{title}, beside {side}", took["here"], "ms", label, took[side], target)


def _same(title: str, found: Any, expected: Any, limit: float) -> Row:
    difference = node_step._distance(found, expected)
    return Row(f"{title}: GPU and CPU differ by", difference, "of the largest value", target=at_most(limit))
