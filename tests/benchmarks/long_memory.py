"""Does a deep state-space model remember what a gated recurrent network of its size forgets?

Protocol: a pipe with a dead time of 200 samples and a first-order lag of 15, driven by a control that
jumps to a random level (uniform in -1 .. 1) and stays there for 20 to 59 samples; measurement noise 0.01.
24 runs of 1000 samples to fit, 6 to validate, 10 held out. Forecast of 100 samples after
a context of 300, from rolling origins 100 samples apart: what decides the outputs was applied 100 to
200 samples before the forecast began. Both models read the same inputs, and are fitted by Gradient(steps=600,
batch=16, horizon=100, learning_rate=3e-3, validate_every=100, patience=None, validation_windows=64) with the
objective teacher_forcing. NRMSE: mean over the leads. DeepStateSpace(width=32, states=32, layers=2).

Peers: a GRU (equinox GRUCell, 56 units) with as many parameters; the same GRU with four times the steps;
persistence and ARX of `dl.evaluate`.

Target: NRMSE at most a third of the GRU's.

Seeds: the data's, the initial weights' and the batches' are 1, 2, 3 (0 was looked at while it was built).
"""

from typing import Any

import numpy as np

from ._rows import Row, at_most
from ._settings import Settings

LAG, NOISE = 15.0, 0.01


def run(settings: Settings) -> list[Row]:
    found = [_seed(seed, settings) for seed in range(1, 1 + settings.size(3, 1))]
    rows = []
    for seed, (errors, sizes, seconds) in enumerate(found, 1):
        beside = ", ".join(f"{name} {errors[name]:.3f}" for name in errors if name != "DeepStateSpace")
        for peer in ("GRU", "GRU, 4 x the steps"):
            note = (
                f"{beside}; {sizes['DeepStateSpace']} and {sizes[peer]} parameters, fitted in "
                f"{seconds['DeepStateSpace']:.0f} and {seconds[peer]:.0f} s"
            )
            rows.append(
                Row(
                    f"seed {seed}: NRMSE over {settings.size(100, 10)} samples",
                    errors["DeepStateSpace"],
                    "",
                    peer,
                    errors[peer],
                    at_most(1 / 3, of="ratio"),
                    note,
                )
            )
    return rows


def _seed(seed: int, settings: Settings) -> tuple[dict[str, float], dict[str, int], dict[str, float]]:
    """NRMSE by model, number of parameters, seconds of the fit."""
    import dynlearn as dl

    from ._gru import GRU

    delay, horizon = settings.size(200, 20), settings.size(100, 10)
    memory, steps = delay + horizon, settings.size(600, 20)
    train, valid, test = (
        pipe(10 * seed + part, runs, settings.size(1000, 120), delay)
        for part, runs in enumerate((24, 6, 10) if not settings.quick else (4, 2, 2))
    )
    deep = dl.models.DeepStateSpace.from_data(train, width=32, states=32, layers=2, memory=memory, key=seed)
    gru = GRU.from_data(train, hidden=56, memory=memory, key=seed)
    fits = {
        "DeepStateSpace": _fit(deep, train, valid, steps, horizon, seed),
        "GRU": _fit(gru, train, valid, steps, horizon, seed),
        "GRU, 4 x the steps": _fit(gru, train, valid, 4 * steps, horizon, seed),
    }
    models = {name: fit.model for name, fit in fits.items()}
    scores = dl.compare(
        models, train, test, context=memory, horizon=horizon, validation=valid, samples=10, key=seed
    )
    errors = {str(name): float(scores.nrmse.sel(model=name).mean()) for name in scores["model"].values}
    return errors, {n: _size(m) for n, m in models.items()}, {n: fit.seconds for n, fit in fits.items()}


def _fit(model: Any, train: Any, valid: Any, steps: int, horizon: int, seed: int) -> Any:
    import dynlearn as dl
    from dynlearn.fitting.objectives.forcing.teacher_forcing import teacher_forcing

    method = dl.fitting.Gradient(
        steps=steps,
        batch=16,
        horizon=horizon,
        learning_rate=3e-3,
        validate_every=max(1, min(100, steps)),
        patience=None,
        validation_windows=64,
    )
    return dl.fit(model, train, valid, method, objective=teacher_forcing, key=seed, progress=False)


def pipe(seed: int, runs: int, samples: int, delay: int) -> Any:
    """Runs of y_{k+1} = y_k + (u_{k-delay} - y_k) / LAG, from which the first `delay` samples are cut off."""
    import dynlearn as dl

    rng = np.random.default_rng(seed)
    outputs, controls = [], []
    for _ in range(runs):
        n = samples + delay
        u = np.repeat(rng.uniform(-1, 1, n), rng.integers(20, 60, n))[:n]
        y = np.zeros(n)
        for k in range(n - 1):
            y[k + 1] = y[k] + ((u[k - delay] if k >= delay else 0.0) - y[k]) / LAG
        outputs.append((y + NOISE * rng.normal(size=n))[delay:, None])
        controls.append(u[delay:, None])
    names = {"output_names": ["outlet"], "control_names": ["inlet"]}
    return dl.from_arrays(outputs, controls, dt=1.0, units={"t": "s"}, **names)


def _size(model: Any) -> int:
    """Numbers a gradient moves."""
    import equinox as eqx
    import jax

    from dynlearn.models import Fixed

    def fixed(node: Any) -> bool:
        return isinstance(node, Fixed)

    moved = [leaf for leaf in jax.tree.leaves(model, is_leaf=fixed) if not fixed(leaf)]
    return sum(leaf.size for leaf in moved if eqx.is_inexact_array(leaf))
