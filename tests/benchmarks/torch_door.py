"""How fast is a torch module once `dl.torch.from_module` has brought it in?

Protocol: a network of 2x64 tanh units in torch with its initial weights, 4 states, 1 control, as a vector field
(RK4, dt = 0.05, controls held over each step) and as a one-step map, followed for 200 steps from 64 runs, and
from 100 initial states for each of them (6400 paths). Here: `infer` and `rollout` of the model, compiled, from
windows to outputs; for 64 runs also all of `dl.forecast` (checks, datasets, one sample path beside the mean). In
torch: the same loop over a batch, under `no_grad`, with one thread and with torch's own number; the faster one
counts. Milliseconds, the sides in turns of three calls, of which the fastest counts. The export is `from_module`
on a fresh module.

Peers: the loop in torch, eager; and with `torch.compile` of the step.

Target: at least 5 times faster than the eager loop; paths equal to 1e-4 of the largest value.

Seeds: weights, initial states and controls 0.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ._measure import peer, seconds
from ._rows import Row, at_most
from ._settings import Settings

STATES, DT, RUNS = 4, 0.05, 64
FASTER = at_most(0.2, "ratio")
Work = Callable[[], Any]


def run(settings: Settings) -> list[Row]:
    if peer("torch") is None:
        return [Row("not run", None, note="torch is not installed: pip install 'dynlearn[torch]'")]
    steps, many = settings.size(200, 5), settings.size(100, 2)
    rows = [*_export(settings), *_forecast(steps, settings)]
    for device, kind, paths in itertools.product(_devices(), ("vector_field", "step"), (RUNS, RUNS * many)):
        rows += _rollouts(device, kind, steps, paths, settings)
    if "cuda" not in _devices():
        rows.append(Row("on a GPU", None, note="not run: needs a GPU that both JAX and torch can use"))
    return rows


def _devices() -> list[str]:
    import jax
    import torch

    both = torch.cuda.is_available() and any(d.platform == "gpu" for d in jax.devices())
    return ["cpu", *(["cuda"] if both else [])]


def _export(settings: Settings) -> Iterator[Row]:
    for kind in ("vector_field", "step"):
        took = seconds(lambda kind=kind: _model(kind, _module()), settings.times(5))
        note = f"the first of them {1e3 * took[0]:.0f} ms"
        yield Row.repeated(f"{kind}: export and model", [1e3 * s for s in took], "ms", note=note)


def _forecast(steps: int, settings: Settings) -> Iterator[Row]:
    import dynlearn as dl

    module, (x, u) = _module(), _inputs(RUNS, steps)
    context = _context(x, u)
    law = dl.from_arrays(np.random.default_rng(1).normal(size=(20, 12, STATES)), np.zeros((20, 12, 1)), dt=DT)
    model = dl.fit(_model("vector_field", module), law, method="calibration", progress=False).model
    times = DT * np.arange(1, steps + 1)
    ahead = np.moveaxis(np.concatenate([u[1:], u[-1:]]), 0, 1)
    sides = {
        "here": lambda: dl.forecast(model, context, times=times, controls=ahead, samples=1),
        **_eager("cpu", "vector_field", module, x, u),
    }
    yield _beside("dl.forecast, 64 runs", "eager", _in_turns(sides, settings))


def _rollouts(device: str, kind: str, steps: int, paths: int, settings: Settings) -> Iterator[Row]:
    module, (x, u) = _module(), _inputs(paths, steps)
    here, eager = _here(device, _model(kind, module), x, u), _eager(device, kind, module, x, u)
    compiled, why = _compiled(device, kind, module, x, u)
    took = _in_turns({"here": here, **eager, **compiled}, settings)
    name = f"{device}, {kind}, {paths} paths"
    yield _beside(name, "eager", took)
    yield _beside(name, "compiled", took) if compiled else Row(f"{name}, beside compiled", None, note=why)
    found, expected = np.asarray(here()), next(iter(eager.values()))().cpu().numpy()
    difference = float(abs(found - expected).max() / abs(expected).max())
    yield Row(f"{name}: largest difference", difference, "of the largest value", target=at_most(1e-4))


def _beside(name: str, side: str, took: dict[str, list[float]]) -> Row:
    """Ours beside the number of threads with which torch is faster."""
    best = min((float(np.median(took[label])), label) for label in took if label.startswith(side))[1]
    target = FASTER if side == "eager" else None
    return Row.repeated(
        f"{name}, beside {side}", took["here"], "ms", f"{peer('torch')}, {best}", took[best], target
    )


def _in_turns(sides: dict[str, Work], settings: Settings) -> dict[str, list[float]]:
    """Milliseconds of each side, the fastest of three calls in every turn; the first turn is not counted."""
    took: dict[str, list[float]] = {side: [] for side in sides}
    for repeat in range(settings.times(5) + 1):
        for side, work in sides.items():
            found = 1e3 * min(seconds(work, 3 if repeat else 1))
            took[side] += [found] if repeat else []
    return took


def _module() -> Any:
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            sizes = (STATES + 1, 64), (64, 64), (64, STATES)
            first, second, last = (torch.nn.Linear(*size) for size in sizes)
            self.net = torch.nn.Sequential(first, torch.nn.Tanh(), second, torch.nn.Tanh(), last)

        def forward(self, t: Any, x: Any, u: Any) -> Any:
            return self.net(torch.cat([x, u], -1))

    torch.manual_seed(0)
    return Network()


def _model(kind: str, module: Any) -> Any:
    import dynlearn as dl

    return dl.torch.from_module(module, STATES, 1, kind, **({"dt": DT} if kind == "step" else {}))


def _inputs(paths: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Initial states (path, state) and controls (step, path, 1)."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(paths, STATES)).astype("f4"), rng.normal(size=(steps, paths, 1)).astype("f4")


def _context(x: np.ndarray, u: np.ndarray) -> Any:
    import dynlearn as dl

    return dl.from_arrays(x[:, None], np.moveaxis(u[:1], 0, 1), dt=DT)


def _here(device: str, model: Any, x: np.ndarray, u: np.ndarray) -> Work:
    """From windows to the outputs at every step, (path, step, state)."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from dynlearn.models import rollout

    time, interval = DT * jnp.arange(len(u) + 1.0), jnp.full(len(u), DT)
    arrays, static = eqx.partition(model, eqx.is_array)

    @jax.jit
    def follow(arrays: Any, past: Any, control: Any) -> Any:
        model = eqx.combine(arrays, static)

        def one(past: Any, control: Any) -> Any:
            return rollout(model, model.infer(past), control, time, interval)[1].mean

        return jax.vmap(one)(past, control)

    place = jax.devices("gpu" if device == "cuda" else "cpu")[0]
    control = np.moveaxis(np.concatenate([u, u[-1:]]), 0, 1)
    given = jax.device_put((arrays, _context(x, u).dyn.to_device(), control), place)
    return lambda: jax.block_until_ready(follow(*given))


def _eager(device: str, kind: str, module: Any, x: np.ndarray, u: np.ndarray) -> dict[str, Work]:
    """With one thread, and with as many as torch takes."""
    import torch

    counts = sorted({1, torch.get_num_threads()}) if device == "cpu" else [torch.get_num_threads()]
    step = _step(kind, module.to(device))
    return {f"eager, threads: {n}": _loop(device, step, x, u, n) for n in counts}


def _compiled(
    device: str, kind: str, module: Any, x: np.ndarray, u: np.ndarray
) -> tuple[dict[str, Work], str]:
    """The same with `torch.compile`, or why that does not work here."""
    import torch

    step = torch.compile(_step(kind, module.to(device)), dynamic=False)
    work = _loop(device, step, x, u[:1], 1)
    try:
        work()
    except torch._dynamo.exc.TorchDynamoException as error:  # no C++ compiler, no headers of Python, ...
        return {}, f"torch.compile does not work here: {str(error).splitlines()[0][:150]}"
    return {"compiled, threads: 1": _loop(device, step, x, u, 1)}, ""


def _step(kind: str, module: Any) -> Callable[[Any, Any], Any]:
    if kind == "step":
        return lambda x, u: module(0.0, x, u)

    def rk4(x: Any, u: Any) -> Any:
        a = module(0.0, x, u)
        b = module(0.0, x + DT / 2 * a, u)
        c = module(0.0, x + DT / 2 * b, u)
        return x + DT / 6 * (a + 2 * b + 2 * c + module(0.0, x + DT * c, u))

    return rk4


def _loop(device: str, step: Callable, x: np.ndarray, u: np.ndarray, threads: int) -> Work:
    import torch

    start, control = torch.tensor(x, device=device), torch.tensor(u, device=device)

    def work() -> Any:
        usual = torch.get_num_threads()
        torch.set_num_threads(threads)
        state, path = start, []
        with torch.no_grad():
            for row in control:
                state = step(state, row)
                path.append(state)
            found = torch.stack(path, 1)
        if device == "cuda":
            torch.cuda.synchronize()
        torch.set_num_threads(usual)
        return found

    return work
