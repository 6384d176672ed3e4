"""Do 90 % intervals of every probabilistic family hold 90 % on held-out data of the right class?

Protocol: for each family a simulated system of its class, 40 runs to fit and 100 others to judge by, 60
samples each, a tenth of the outputs missing at random. The model is fitted from its defaults as far as they
go. Forecasts start after 40 samples: the share of measured outputs between the 5 % and 95 % quantiles of 400
draws, over the leads 1 to 20. Imputation: the share of a further tenth of the outputs, hidden from the model,
between the same quantiles of 200 draws.

    linear       x' = A x + B u + w, three states, two outputs (EM)
    nonlinear    x' = x + 0.3 x - 0.1 x^3 + 0.4 u + w, y = x + v (gradient on the marginal likelihood)
    counts       the same state, y ~ Poisson(exp(0.5 x + 1.5)) (marginal likelihood, unscented)
    sde          dx = (x - x^3) dt + 0.5 dW, measured at uneven instants (energy score)
    continuous-discrete   a damped pendulum disturbed by noise, (x, y) of its bob measured: the outputs as they
                 are (marginal likelihood), and through auxiliary variables (ELBO)
    switching    three linear regimes of two states (marginal likelihood)

Peers: none; an interval is right or wrong by itself.

The last 8 of the 40 runs are the validation data of a fit; notes say the best loss on them.

Target: 85 to 95 % for forecasts and imputed values of every family.

Seeds: 0 to simulate and fit.
"""

from collections.abc import Callable

import numpy as np
import xarray as xr

import dynlearn as dl
from dynlearn.fitting import FitResult

from ._rows import Row, between
from ._settings import Settings

FIT, HELD_OUT, LENGTH, NOW = 40, 100, 60, 40


def run(settings: Settings) -> list[Row]:
    rows = []
    for name, (simulate, fitted) in CASES.items():
        count = settings.size(FIT + HELD_OUT, 12)
        rng = np.random.default_rng(0)
        whole = simulate(rng, count)
        fit_on = settings.size(FIT, 6)
        seen = whole.assign(output=whole["output"].where(rng.random(whole["output"].shape) > 0.1))
        fit = fitted(seen.isel(trajectory=slice(0, fit_on)), settings)
        rows += _covered(name, fit, seen.isel(trajectory=slice(fit_on, None)), rng)
    return rows


def _covered(name: str, fit: FitResult, ds: xr.Dataset, rng: np.random.Generator) -> list[Row]:
    model = fit.model
    later = ds.isel(time=slice(NOW, None))
    ahead = {"controls": later["control"]} if "control" in ds else {}
    forecast = dl.forecast(
        model, ds.isel(time=slice(0, NOW)), times=_instants(later), samples=400, key=0, **ahead
    )
    low, high = forecast["output"].quantile([0.05, 0.95], "sample").values
    y = later["output"].values
    measured = np.isfinite(y)
    inside = ((low <= y) & (y <= high))[measured].mean()
    hidden = measured_and(rng, ds["output"].values)
    filled = dl.impute(model, ds.assign(output=ds["output"].where(~hidden)), samples=200)
    dims = ("trajectory", "time", "output_name")
    ends = filled["output_draws"].transpose("sample", *dims).quantile([0.05, 0.95], "sample").values
    within = (ends[0] <= ds["output"].values) & (ds["output"].values <= ends[1])
    target = between(0.85, 0.95)
    return [
        Row(
            f"{name}: forecasts",
            float(inside),
            target=target,
            note=f"{int(measured.sum())} values{_loss(fit)}",
        ),
        Row(f"{name}: imputed values", float(within[hidden].mean()), target=target),
    ]


def _loss(fit: FitResult) -> str:
    logged = fit.history["output"]
    if "validation" not in logged["output_name"].values:
        return ""
    return f"; validation loss {float(logged.sel(output_name='validation').min()):.3f}"


def measured_and(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """A tenth of the measured values."""
    return np.isfinite(y) & (rng.random(y.shape) < 0.1)


def _instants(ds: xr.Dataset) -> np.ndarray:
    t = ds["t"].values
    return t if t.ndim == 2 else np.broadcast_to(t, (ds.sizes["trajectory"], t.size))


def _linear(rng: np.random.Generator, count: int) -> xr.Dataset:
    A = np.array([[0.9, 0.3, 0.0], [-0.3, 0.9, 0.2], [0.0, 0.0, 0.7]])
    B, C = np.array([[0.0], [0.3], [1.0]]), np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]])
    x, u = rng.normal(size=(count, 3)), rng.normal(size=(count, LENGTH, 1))
    y = np.empty((count, LENGTH, 2))
    for k in range(LENGTH):
        y[:, k] = x @ C.T + 0.3 * rng.normal(size=(count, 2))
        x = x @ A.T + u[:, k] @ B.T + 0.2 * rng.normal(size=(count, 3))
    return dl.from_arrays(y, u, dt=0.1)


def _bistable(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    x, u = rng.normal(size=count), np.repeat(rng.normal(size=(count, LENGTH // 6)), 6, axis=1)
    states = np.empty((count, LENGTH))
    for k in range(LENGTH):
        states[:, k] = x
        x = x + 0.3 * x - 0.1 * x**3 + 0.4 * u[:, k] + 0.25 * rng.normal(size=count)
    return states, u[..., None]


def _nonlinear(rng: np.random.Generator, count: int) -> xr.Dataset:
    x, u = _bistable(rng, count)
    return dl.from_arrays((x + 0.2 * rng.normal(size=x.shape))[..., None], u, dt=1.0)


def _counts(rng: np.random.Generator, count: int) -> xr.Dataset:
    x, u = _bistable(rng, count)
    return dl.from_arrays(rng.poisson(np.exp(0.5 * x + 1.5))[..., None].astype(float), u, dt=1.0)


def _sde(rng: np.random.Generator, count: int) -> xr.Dataset:
    x, y, fine = rng.normal(size=count), np.empty((count, LENGTH)), 20
    t = np.cumsum(rng.uniform(0.05, 0.25, (count, LENGTH)), axis=1)
    for k in range(LENGTH):
        y[:, k] = x + 0.05 * rng.normal(size=count)
        h = (t[:, k + 1] - t[:, k] if k + 1 < LENGTH else 0 * x) / fine
        for _ in range(fine):
            x = x + h * (x - x**3) + 0.5 * np.sqrt(h) * rng.normal(size=count)
    return dl.from_arrays(y[..., None], times=t)


def _pendulum(rng: np.random.Generator, count: int) -> xr.Dataset:
    angle, rate, fine, dt = np.pi + 0.3 * rng.normal(size=count), 4 * rng.normal(size=count), 20, 0.1
    y = np.empty((count, LENGTH, 2))
    for k in range(LENGTH):
        y[:, k] = np.stack([np.sin(angle), -np.cos(angle)], -1) + 0.05 * rng.normal(size=(count, 2))
        for _ in range(fine):
            push = -9.81 * np.sin(angle) - 0.25 * rate
            angle = angle + dt / fine * rate
            rate = rate + dt / fine * push + 0.3 * np.sqrt(dt / fine) * rng.normal(size=count)
    return dl.from_arrays(y, dt=dt)


def _switching(rng: np.random.Generator, count: int) -> xr.Dataset:
    turns = [(0.98, 0.1), (0.9, 0.7), (0.7, 0.0)]
    A = np.array([r * np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) for r, a in turns])
    b = np.array([[0.0, 0.1], [0.2, 0.0], [-0.5, -0.5]])
    stay = 0.93 * np.eye(3) + 0.035 * (1 - np.eye(3))
    x, z, y = rng.normal(size=(count, 2)), rng.integers(0, 3, count), np.empty((count, LENGTH, 2))
    for k in range(LENGTH):
        y[:, k] = x + 0.05 * rng.normal(size=(count, 2))
        z = (stay[z].cumsum(1) > rng.random((count, 1))).argmax(1)
        x = np.einsum("rij,rj->ri", A[z], x) + b[z] + 0.1 * rng.normal(size=(count, 2))
    return dl.from_arrays(y, dt=1.0)


def _gradient(settings: Settings, steps: int, **options: object) -> dl.fitting.Gradient:
    return dl.fitting.Gradient(steps=settings.size(steps, 4), validate_every=settings.size(100, 2), **options)


def _continuous_discrete(ds: xr.Dataset, settings: Settings, decoder: str) -> FitResult:
    options = {"form": "nonlinear", "states": 4, "memory": 40, "decoder": decoder, "key": 0}
    method = _gradient(settings, 2000, batch=16, learning_rate=1e-2, clip=10.0)
    return _fit(dl.models.ContinuousDiscrete.from_data(ds, **options), ds, method)


def _fit(model: object, train: xr.Dataset, method: object = None) -> FitResult:
    cut = max(1, train.sizes["trajectory"] * 4 // 5)
    parts = train.isel(trajectory=slice(0, cut)), train.isel(trajectory=slice(cut, None))
    return dl.fit(model, *parts, method=method, key=0, progress=False)


Simulate = Callable[[np.random.Generator, int], xr.Dataset]
Fitted = Callable[[xr.Dataset, Settings], FitResult]
models = dl.models
CASES: dict[str, tuple[Simulate, Fitted]] = {
    "linear": (_linear, lambda ds, s: _fit(models.LinearStateSpace.from_data(ds, states=3), ds)),
    "nonlinear": (
        _nonlinear,
        lambda ds, s: _fit(
            models.NonlinearStateSpace.from_data(ds, states=1, width=16, memory=20, key=0),
            ds,
            _gradient(s, 1500, batch=32),
        ),
    ),
    "counts": (
        _counts,
        lambda ds, s: _fit(
            models.NonlinearStateSpace.from_data(
                ds, states=1, width=16, memory=20, outputs="poisson", inference="unscented", key=0
            ),
            ds,
            _gradient(s, 1500, batch=32),
        ),
    ),
    "sde": (
        _sde,
        lambda ds, s: _fit(
            models.NeuralSDE.from_data(ds, hidden=0, memory=5, width=32, key=0), ds, _gradient(s, 2000)
        ),
    ),
    "continuous-discrete": (_pendulum, lambda ds, s: _continuous_discrete(ds, s, "identity")),
    "continuous-discrete, auxiliary": (_pendulum, lambda ds, s: _continuous_discrete(ds, s, "network")),
    "switching": (
        _switching,
        lambda ds, s: _fit(models.SwitchingLinear.from_data(ds, regimes=3, states=2, key=0), ds),
    ),
}
