"""How well does a continuous-discrete model fill gaps and forecast, against a linear model and interpolation?

Protocol: the bouncing ball and the damped pendulum of the NCDSSM paper (Ansari, Heng, Lim, Soh, ICML 2023),
rebuilt after the authors' published generators. Ball: position between elastic walls at -1 and 1, start uniform,
speed uniform in 0.05 to 0.5, either way; 10 s of context, 20 s to forecast. Pendulum: theta'' = -(g/2)
sin(theta) - 0.25 theta', g = 9.81, theta_0 = pi + n, theta'_0 = 4 n, n normal and clipped at 2; the bob's two
coordinates, half its size; 5 s of context, 10 s to forecast. Every 0.1 s, measurement noise 0.05; of the
context 0, 30, 50 or 80 % of the samples missing at random, in fitting and in testing.

Reduced: 200 runs to fit, 40 to validate and 60 to test, for the paper's 5000, 500 and 500 (ball) or 5000, 1000
and 1000; one fit per row. ContinuousDiscrete(states=6, one auxiliary variable per output, width=32, draws=8),
memory 25 (pendulum) or 50 (ball) while it is fitted, by Gradient(steps=1000, batch=16, horizon=25,
learning_rate=1e-2, clip=10); the whole context in testing. Errors are mean squares of mean minus measured value,
in the outputs' unit: 0.0025 is the noise. (The paper averages the errors of single draws, which are larger by the
draws' spread.) 90 % intervals: of imputed values mean and standard deviation of `impute`, of forecasts quantiles
of 100 draws.

Peers: LGSSM, a LinearStateSpace(states=6) by EM(steps=150) on the same runs, in discrete time: sampled evenly, every
linear model in continuous time is one of these; linear interpolation between the measured values, and the last
one of them as the forecast.

Target: where the model can be right (the nonlinear form), both errors below the linear model's and the
intervals' coverage between 85 and 95 %.

Seeds: training, validation and test data 0, 1 and 2; fits and draws 0.
"""

import dataclasses
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._irregular_data import BALL, PENDULUM, Problem
from ._rows import Row, below, between
from ._settings import Settings

MISSING = (0.0, 0.3, 0.5, 0.8)
FORMS = ("nonlinear", "locally_linear", "linear")
MEMORY = {"pendulum": 25, "ball": 50}


@dataclasses.dataclass(frozen=True)
class Found:
    """Mean squared errors, and the share of values that 90 % intervals cover."""

    imputation: float | None
    forecast: float
    imputation_cover: float | None = None
    forecast_cover: float | None = None
    seconds: float | None = None


def run(settings: Settings) -> list[Row]:
    problems = (PENDULUM,) if settings.quick else (PENDULUM, BALL)
    levels = (0.5,) if settings.quick else MISSING
    return [row for problem in problems for missing in levels for row in _case(problem, missing, settings)]


def _case(problem: Problem, missing: float, settings: Settings) -> list[Row]:
    sizes = [settings.size(*pair) for pair in ((200, 8), (40, 4), (60, 4))]
    (train, *_), (valid, *_), (test, y, gone) = (
        problem.dataset(size, missing, seed) for seed, size in enumerate(sizes)
    )
    named = f"{problem.name}, {missing:.0%} missing"
    found = {"interpolation": _interpolated(problem, y, gone)}
    for name, model, seconds in _fitted(problem, train, valid, settings):
        found[name] = dataclasses.replace(_errors(problem, model, test, y, gone, settings), seconds=seconds)
        print(f"{named}: {name}: {found[name]}", file=sys.stderr, flush=True)
    return list(_rows(named, found))


def _fitted(problem: Problem, train: Any, valid: Any, settings: Settings) -> Iterator[tuple[str, Any, float]]:
    """Every model, and the seconds its fit took."""
    import jax

    import dynlearn as dl
    from dynlearn.fitting import EM, Gradient

    steps = settings.size(1000, 4)
    method = Gradient(
        steps=steps,
        batch=settings.size(16, 2),
        horizon=25,
        learning_rate=1e-2,
        clip=10.0,
        validate_every=settings.size(200, 4),
        validation_windows=settings.size(32, 2),
        patience=None,
    )
    for form in FORMS:
        model: Any = dl.models.ContinuousDiscrete.from_data(
            train, form=form, states=problem.states, memory=MEMORY[problem.name], draws=8, key=0
        )
        fit = dl.fit(model, train, valid, method, key=0, progress=False)
        yield form, fit.model.with_memory(problem.context), fit.seconds
        # Thirty fits leave more compiled programs behind than Linux maps for one process.
        jax.clear_caches()
    model = dl.models.LinearStateSpace.from_data(
        train, states=problem.states, memory=problem.context, continuous=True
    )
    fit = dl.fit(model, train, method=EM(steps=settings.size(150, 2)), progress=False)
    yield "LGSSM", fit.model, fit.seconds


def _errors(
    problem: Problem, model: Any, test: Any, y: np.ndarray, gone: np.ndarray, settings: Settings
) -> Found:
    import dynlearn as dl

    future = y[:, problem.context :]
    fc = dl.forecast(model, test, horizon=problem.ahead, samples=settings.size(100, 10), key=0)
    dims = ("trajectory", "time", "output_name")
    low, high = np.quantile(fc["output"].transpose("sample", *dims).values, [0.05, 0.95], axis=0)
    error = fc["output_mean"].transpose(*dims).values - future
    result = Found(None, float((error**2).mean()), None, float(((future > low) & (future < high)).mean()))
    if not gone.any():
        return result
    full = dl.impute(model, test, key=0)
    mean, scale = (full[name].transpose(*dims).values[gone] for name in ("output", "output_scale"))
    apart = np.abs(mean - y[:, : problem.context][gone])
    return dataclasses.replace(
        result,
        imputation=float((apart**2).mean()),
        imputation_cover=float((apart < 1.645 * scale).mean()),
    )


def _interpolated(problem: Problem, y: np.ndarray, gone: np.ndarray) -> Found:
    t = np.arange(problem.context)
    filled = y[:, : problem.context].copy()
    for v, g in zip(filled, gone, strict=True):
        v[g] = np.stack([np.interp(t[g], t[~g], column[~g]) for column in v.T], axis=1)
    apart = (filled - y[:, : problem.context])[gone]
    error = filled[:, -1:] - y[:, problem.context :]
    return Found(float((apart**2).mean()) if gone.any() else None, float((error**2).mean()))


def _rows(named: str, found: dict[str, Found]) -> Iterator[Row]:
    linear = found["LGSSM"]
    for name, one in found.items():
        target = below(1, of="ratio") if name == "nonlinear" else None
        peer = None if name == "LGSSM" else "LGSSM"
        note = "" if one.seconds is None else f"fitted in {one.seconds:.0f} s"
        for what in ("imputation", "forecast"):
            value, other = getattr(one, what), getattr(linear, what)
            if value is None:
                continue
            label = f"{named}: {what} MSE, {name}"
            yield Row(label, value, "", peer, other if peer else None, target, note)
            cover = getattr(one, f"{what}_cover")
            if cover is not None:
                honest = between(0.85, 0.95) if name == "nonlinear" else None
                yield Row(f"{named}: {what}s inside 90 % intervals, {name}", cover, target=honest)
