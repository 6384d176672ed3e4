"""What does a second call cost, once everything is compiled?

Protocol: models fitted for a few steps to simulated pendulum runs (their accuracy is not the question):
Koopman with random Fourier features, a Neural ODE, an ensemble of 3 of them. Each verb is called once, then
on other values of the same shape: programs compiled by that second call, and milliseconds per call.
Forecast: 8 runs, context 20, 100 steps, 200 draws. Simulate: the same runs, 130 steps. Evaluate: context
20, horizon 50 over these runs, baselines fitted anew. `MPC.act`: horizon 20, CEM with its defaults.

Peers: none.

Target: no program compiled by a second call.

Seeds: data 0 and 1, fits 0.
"""

from collections.abc import Callable, Iterator
from typing import Any

from ._measure import compilations, seconds
from ._rows import Row, at_most
from ._settings import Settings

BOUNDS, HORIZON = (-2.0, 2.0), 20


def run(settings: Settings) -> list[Row]:
    import dynlearn as dl

    first, second = (dl.datasets.load("pendulum", runs=8, length=150, key=key) for key in (0, 1))
    rows: list[Row] = []
    for name, model in _models(first, settings):
        for verb, call in _verbs(model, settings).items():
            rows += _second(f"{verb}, {name}", call, first, second, settings)
    return rows


def _models(ds: Any, settings: Settings) -> Iterator[tuple[str, Any]]:
    import dynlearn as dl

    lifting = dl.models.dictionaries.Fourier(count=settings.size(200, 20), delays=4)
    koopman = dl.models.Koopman.from_data(ds, lifting=lifting, ridge=1e-6, key=0)
    yield "Koopman", dl.fit(koopman, ds, progress=False).model
    node = dl.models.NeuralODE.from_data(ds, hidden=0, memory=5, width=32, key=0)
    steps = dl.fitting.Gradient(steps=100, batch=32, horizon=10)
    yield "Neural ODE", dl.fit(node, ds, method=steps, progress=False).model
    ensemble = dl.models.Ensemble.of(node, 3, key=0)
    yield "ensemble of 3", dl.fit(ensemble, ds, method=steps, progress=False).model


def _verbs(model: Any, settings: Settings) -> dict[str, Callable[[Any], Any]]:
    import dynlearn as dl

    def forecast(ds: Any) -> Any:
        context, future = ds.isel(time=slice(0, 20)), ds.isel(time=slice(20, 120))
        return dl.forecast(model, context, 100, controls=future["control"], samples=200)

    cost = dl.control.Quadratic([0.0] * model.signature.outputs, Q=[1.0] * model.signature.outputs, R=[0.1])
    interval = None if model.signature.interval else 0.05
    mpc = dl.control.MPC(model, cost, HORIZON, bounds=BOUNDS, interval=interval)
    memory = mpc.init()
    for _ in range(model.required - 1):
        memory = mpc.record(memory, [0.1] * model.signature.outputs, [0.0])

    def act(ds: Any) -> Any:
        return mpc.act(memory, ds["output"].isel(trajectory=0, time=0).values)

    return {
        "forecast": forecast,
        "simulate": lambda ds: dl.simulate(model, ds, warmup=20),
        "evaluate": lambda ds: dl.evaluate(model, ds, 20, 50, samples=settings.size(200, 20)),
        "MPC.act": act,
    }


def _second(name: str, call: Callable, first: Any, second: Any, settings: Settings) -> Iterator[Row]:
    took = seconds(lambda: call(first), 1)[0]
    with compilations() as compiled:
        call(second)
    ms = [1e3 * s for s in seconds(lambda: call(second), settings.times(15))]
    note = ", ".join(compiled)[:200]
    yield Row(f"{name}: compiled by the second call", len(compiled), "programs", target=at_most(0), note=note)
    yield Row.repeated(f"{name}: time per call", ms, "ms", note=f"first call {took:.2f} s")
