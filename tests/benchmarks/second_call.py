"""What does a second call cost, once everything is compiled?

Protocol: models fitted for a few steps to simulated pendulum runs (their accuracy is not the question):
Koopman with random Fourier features, a Neural ODE, an ensemble of 3 of them, a linear state-space model.
Each verb is called once, then on other values of the same shape, then on two slices of the data (one run fewer;
six samples fewer): programs compiled by these calls, and milliseconds per call of the same shape. How
often a dataset is checked against the schema and moved to the device by one call (results are datasets, and
checked too). Forecast: 12 runs, context 20, 100 steps, 200 draws. Simulate: the same runs, 170 steps.
Evaluate: context 20, horizon 50 over these runs, the baselines remembered by the second call of the same
training set. Fit: ARX, and 20 gradient steps of the Neural ODE. `MPC.act`: horizon 20, CEM with its defaults.

Peers: none.

Target: no program compiled by a second call, nor by another slice; one move per dataset and call.

Seeds: data 0 and 1, fits 0.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ._measure import compilations, seconds
from ._rows import Row, at_most
from ._settings import Settings

BOUNDS, HORIZON = (-2.0, 2.0), 20


def run(settings: Settings) -> list[Row]:
    import dynlearn as dl

    first, second = (dl.datasets.load("pendulum", runs=12, length=190, key=key) for key in (0, 1))
    rows: list[Row] = []
    for name, model in _models(first, settings):
        for verb, call in _verbs(model, first, settings).items():
            rows += _second(f"{verb}, {name}", call, first, second, settings)
    return rows


def _models(ds: Any, settings: Settings) -> Iterator[tuple[str, Any]]:
    import dynlearn as dl

    lifting = dl.models.dictionaries.Fourier(count=settings.size(200, 20), delays=4)
    koopman = dl.models.Koopman.from_data(ds, lifting=lifting, ridge=1e-6, key=0)
    yield "Koopman", dl.fit(koopman, ds, progress=False).model
    node = dl.models.NeuralODE.from_data(ds, hidden=0, memory=5, width=32, key=0)
    steps = dl.fitting.Gradient(steps=settings.size(100, 20), batch=32, horizon=10)
    yield "Neural ODE", dl.fit(node, ds, method=steps, progress=False).model
    ensemble = dl.models.Ensemble.of(node, 3, key=0)
    yield "ensemble of 3", dl.fit(ensemble, ds, method=steps, progress=False).model
    linear = dl.models.LinearStateSpace.from_data(ds, states=4, memory=20)
    yield "linear state space", dl.fit(linear, ds, method=dl.fitting.EM(steps=3), progress=False).model


def _verbs(model: Any, train: Any, settings: Settings) -> dict[str, Callable[[Any], Any]]:
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

    def evaluate(ds: Any) -> Any:
        return dl.evaluate(model, ds, 20, 50, train=train, samples=settings.size(200, 20))

    verbs: dict[str, Callable[[Any], Any]] = {
        "forecast": forecast,
        "simulate": lambda ds: dl.simulate(model, ds, warmup=20),
        "evaluate": evaluate,
        "MPC.act": act,
    }
    if isinstance(model, dl.models.NeuralODE):
        steps = dl.fitting.Gradient(steps=20, batch=32, horizon=10)
        verbs["fit"] = lambda ds: dl.fit(model, ds, ds, method=steps, progress=False)
    if isinstance(model, dl.models.Koopman):
        verbs["from_data and fit of ARX"] = lambda ds: dl.fit(
            dl.models.ARX.from_data(ds, delays=4), ds, ds, progress=False
        )
    if isinstance(model, dl.models.AbstractStateSpace):
        for name in ("filter", "smooth", "impute", "log_likelihood"):
            verbs[name] = lambda ds, name=name: getattr(dl, name)(model, ds)
    return verbs


def _second(name: str, call: Callable, first: Any, second: Any, settings: Settings) -> Iterator[Row]:
    took = seconds(lambda: call(first), 1)[0]
    with compilations() as compiled:
        call(second)
    ms = [1e3 * s for s in seconds(lambda: call(second), settings.times(15))]
    note = ", ".join(compiled)[:200]
    yield Row(f"{name}: compiled by the second call", len(compiled), "programs", target=at_most(0), note=note)
    slices = second.isel(trajectory=slice(0, 11)), second.isel(time=slice(0, 184))
    with compilations() as compiled:
        for part in slices:
            call(part)
    note = ", ".join(compiled)[:200]
    yield Row(f"{name}: compiled by two slices", len(compiled), "programs", target=at_most(0), note=note)
    with _looks() as looks:
        call(second)
    yield Row(f"{name}: checks of a dataset", looks["checked"], "times")
    yield Row(f"{name}: moves to the device", looks["moved"], "times")
    yield Row.repeated(f"{name}: time per call", ms, "ms", note=f"first call {took:.2f} s")


@contextmanager
def _looks() -> Iterator[dict[str, int]]:
    """How often a dataset is checked against the schema, and its values read for the device, meanwhile."""
    from dynlearn.trajectories.checks import validate
    from dynlearn.trajectories.device import to_device

    found = {"checked": 0, "moved": 0}
    check, read = validate._check_version, to_device.times_2d

    def checked(ds: Any) -> Any:
        found["checked"] += 1
        return check(ds)

    def moved(ds: Any) -> Any:
        found["moved"] += 1
        return read(ds)

    validate._check_version, to_device.times_2d = checked, moved  # type: ignore[assignment]
    try:
        yield found
    finally:
        validate._check_version, to_device.times_2d = check, read
