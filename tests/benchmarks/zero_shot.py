"""How well is a system forecast that no weight has seen, from a context of 512 samples alone?

Protocol: the systems that the corpus holds out by name (`dynlearn.datasets.corpora.corpus.HELD_OUT`), at their
published parameters, 30 samples a typical period, all outputs, no noise. The first 512 samples after the transient are
the context; nothing else of a system is seen, and there is one setting for all. MASE: the mean absolute error of the
next 64 samples over the mean absolute change from sample to sample in the context, averaged over outputs. D_stsp
(binned up to three outputs, of mixtures beyond) and D_H of a free run of 1500 samples against the system's own next
1500 (`dl.evaluation`). Medians and quartiles over systems. "beats tiling" counts systems on which a model is better
than repeating the context, by that metric.

Fitted to each context: AL-RNN (`TeacherForcing`, 2000 steps, a population of 2), and the peer. The floor is the
system's 1500 samples after those, held against the same.

Peers: an echo state network of reservoirpy, 300 units, its spectral radius, leak rate, input scaling and ridge chosen
among 24 settings by free runs over the last fifth of the context. Persistence and context tiling beside them.

Target: the best zero-shot model below context tiling in MASE and D_stsp, and below the fitted networks in MASE.

Seeds: 0.
"""

import time
from typing import Any

import numpy as np

import dynlearn as dl

from ._echo import reservoir
from ._measure import peer
from ._rows import Row, below
from ._settings import Settings

CONTEXT, AHEAD, LONG, PERIOD = 512, 64, 1500, 30
METRICS = ("MASE", "D_stsp", "D_H")
Path = np.ndarray


def run(settings: Settings) -> list[Row]:
    from dynlearn.datasets.corpora import flows
    from dynlearn.datasets.corpora.corpus import HELD_OUT, TRANSIENT

    systems = ("VanDerPol", "LotkaVolterra") if settings.quick else HELD_OUT
    scores: dict[str, dict[str, list[float]]] = {}
    seconds: dict[str, list[float]] = {}
    left_out = []
    for system in systems:
        flow = flows.flow(system)
        samples = TRANSIENT * PERIOD + CONTEXT + 2 * LONG
        states = flows.solution(flow, flow.period / PERIOD * np.arange(samples))
        if states is None:
            left_out.append(system)
            continue
        y = flow.observed(states)[TRANSIENT * PERIOD :]
        y = y[:, y.std(0) > 1e-9 * np.abs(y).max()]
        context, after = y[:CONTEXT], y[CONTEXT:]
        paths: dict[str, Path] = {"the system itself": after[LONG:]}
        for model, forecast in _forecasts(settings).items():
            begun = time.perf_counter()
            try:
                paths[model] = forecast(context)
            except ImportError:
                continue
            seconds.setdefault(model, []).append(time.perf_counter() - begun)
        for model, path in paths.items():
            for metric, value in zip(METRICS, _scores(path, context, after[:LONG]), strict=True):
                scores.setdefault(model, {}).setdefault(metric, []).append(value)
    count = len(systems) - len(left_out)
    rows = [Row("held-out systems", count, note="left out: " + ", ".join(left_out) if left_out else "")]
    return rows + [row for metric in METRICS for row in _rows(metric, scores, seconds)]


def _rows(metric: str, scores: dict, seconds: dict) -> list[Row]:
    rows = []
    tiling = np.array(scores["context tiling"][metric])
    for model, found in scores.items():
        values = np.array(found[metric])
        if model == "the system itself" and metric == "MASE":
            continue
        low, middle, high = np.percentile(values, [25, 50, 75])
        note = f"quartiles {low:.3g} to {high:.3g}; beats tiling on {int((values < tiling).sum())}"
        if metric == "MASE" and model in seconds:
            note += f"; {np.median(seconds[model]):.1f} s"
        ours = model in ("ALRNNMixture", "PatchTransformer") and metric != "D_H"
        beside = ("context tiling", float(np.median(tiling))) if ours else (None, None)
        target = below(1.0, of="ratio") if ours else None
        rows.append(Row(f"{model}: {metric}", float(middle), "", *beside, target, note))
    return rows


def _forecasts(settings: Settings) -> dict[str, Any]:
    """From a context `(time, output)` to the next `LONG` samples."""

    def of(build: Any) -> Any:
        def forecast(context: np.ndarray) -> Path:
            ds = dl.from_arrays(context[None], dt=1.0)
            try:
                found = dl.forecast(build(ds), ds, horizon=LONG, samples=1)
            except dl.errors.DivergedError:  # it left the finite numbers
                return np.full((LONG, context.shape[1]), np.nan)
            return found["output_mean"].transpose("trajectory", "time", "output_name").values[0]

        return forecast

    method = dl.fitting.TeacherForcing(
        steps=settings.size(2000, 20), validate_every=settings.size(200, 10), population=2, free_run=100
    )

    def fitted(ds: Any) -> Any:
        return dl.fit(dl.models.ALRNN.from_data(ds, key=0), ds, method=method, progress=False).model

    def echo(context: np.ndarray) -> Path:
        nothing = np.zeros((CONTEXT, 0))
        free = reservoir(context, nothing, settings.size(300, 50), quick=settings.quick)
        return free(context, nothing, LONG)

    return {
        "ALRNNMixture": of(dl.models.ALRNNMixture.from_data),
        "PatchTransformer": of(dl.models.PatchTransformer.from_data),
        "fitted AL-RNN": of(fitted),
        f"echo state network ({peer('reservoirpy') or 'reservoirpy'})": echo,
        "persistence": lambda context: np.repeat(context[-1:], LONG, axis=0),
        "context tiling": lambda context: np.resize(context, (LONG, context.shape[1])),
    }


def _scores(path: Path, context: np.ndarray, after: Path) -> tuple[float, float, float]:
    from dynlearn.evaluation.reconstruction import spectral_distance, state_space_divergence

    size = np.abs(np.diff(context, axis=0)).mean(0)
    if not np.isfinite(path).all():
        return np.inf, np.inf, 1.0
    mase = float((np.abs(path[:AHEAD] - after[:AHEAD]).mean(0) / size).mean())
    return mase, float(state_space_divergence(path, after)), float(spectral_distance(path, after))
