"""Is the long-term behaviour of Lorenz-63 reproduced from noisy data by an almost-linear RNN, and how soon?

Protocol: the files lorenz63_train and lorenz63_test of the AL-RNN repository, 100 000 samples each with 5 % noise, the
first 500 dropped. A model is fitted to the train file alone: weights, the member of the population and the step that
are kept are chosen by free runs held against the train file (`TeacherForcing`). Scores are those of
`dl.evaluation.reconstruction_scores`: free runs of 10 000 samples after 1000, from 10 starts spread over the test file;
D_stsp with 30 bins a dimension against the whole test file, D_H with spectra smoothed over 20 bins. Medians over
starts, then over 5 seeds (every one of them a population of 4), quartiles over seeds in the note.

M = 20, P = 2 with 20 000 steps at a learning rate of 6e-3; M = 30, P = 10 with the default settings. The learning
curve: fits that end after so many steps, compilation included.

Peers: the authors' figures, read from their executed notebook: 3.52 / 0.143 after 1253 s for M = 20, P = 2 (another
machine), and their shipped M = 30, P = 10, 2.40 / 0.147. The floor (data against data), persistence and context tiling
beside them.

Target: D_stsp <= 1.0 and D_H <= 0.10 for M = 20, P = 2; their scores in under 60 s.

Seeds: 0 to 4.
"""

from typing import Any

import numpy as np
import xarray as xr

import dynlearn as dl

from ._rows import Row, at_most, below
from ._settings import Settings

SEEDS = range(5)
SMALL, LARGE = {"latent": 20, "nonlinear": 2}, {"latent": 30, "nonlinear": 10}
STEPS, RATE = 20_000, 6e-3
CURVE = (1000, 2000, 4000, 8000)
THEIRS = {"M=20, P=2": (3.52, 0.143), "M=30, P=10": (2.40, 0.147)}
TARGETS = (1.0, 0.10)


def run(settings: Settings) -> list[Row]:
    train, test = (_part(name, settings) for name in ("train", "test"))
    seeds = list(SEEDS)[: settings.size(5, 1)]
    steps = settings.size(STEPS, 20)
    small = dl.fitting.TeacherForcing(steps=steps, learning_rate=RATE, validate_every=settings.size(500, 10))
    large = dl.fitting.TeacherForcing(**({"steps": 20, "validate_every": 10} if settings.quick else {}))
    rows = []
    for name, sizes, method, targets in (
        ("M=20, P=2", SMALL, small, TARGETS),
        ("M=30, P=10", LARGE, large, (None, None)),
    ):
        found = [_fitted(train, sizes, method, seed) for seed in seeds]
        scores = _scored({name: [r.model for r in found]}, train, test, settings)
        for metric, theirs, limit in zip(("D_stsp", "D_H"), THEIRS[name], targets, strict=True):
            target = None if limit is None else at_most(limit)
            rows.append(_row(f"{name}: {metric}", scores, metric, name, theirs, target))
        rows.append(
            Row.repeated(f"{name}: fit", [r.seconds for r in found], "s", note=f"{method.steps} steps")
        )
        if name == "M=20, P=2":
            rows += [
                _row(f"{beside}: {metric}", scores, metric, beside)
                for beside in ("data", "persistence", "context tiling")
                for metric in ("D_stsp", "D_H")
            ]
    return [*rows, *_curve(train, test, settings)]


def _curve(train: xr.Dataset, test: xr.Dataset, settings: Settings) -> list[Row]:
    rows, first = [], None
    for steps in CURVE[: settings.size(len(CURVE), 1)]:
        count = settings.size(steps, 20)
        method = dl.fitting.TeacherForcing(
            steps=count, learning_rate=RATE, validate_every=max(count // 20, 10)
        )
        result = _fitted(train, SMALL, method, 0)
        scores = _scored({"ALRNN": result.model}, train, test, settings)
        found = [_median(scores, metric, "ALRNN") for metric in ("D_stsp", "D_H")]
        rows.append(
            Row(
                f"M=20, P=2 after {steps} steps: D_stsp",
                found[0],
                note=f"D_H {found[1]:.3f}, {result.seconds:.0f} s",
            )
        )
        if first is None and all(f <= t for f, t in zip(found, THEIRS["M=20, P=2"], strict=True)):
            first = result.seconds
    return [
        *rows,
        Row("seconds to the authors' scores", first, "s", "theirs, another machine", 1253.0, below(60.0)),
    ]


def _part(name: str, settings: Settings) -> xr.Dataset:
    ds = dl.datasets.load("lorenz63_alrnn").sel(trajectory=[name])
    return ds.isel(time=slice(0, settings.size(ds.sizes["time"], 4000)))


def _fitted(train: xr.Dataset, sizes: dict[str, int], method: Any, seed: int) -> Any:
    return dl.fit(
        dl.models.ALRNN.from_data(train, key=seed, **sizes), train, method=method, key=seed, progress=False
    )


def _scored(models: Any, train: xr.Dataset, test: xr.Dataset, settings: Settings) -> xr.Dataset:
    return dl.evaluation.reconstruction_scores(
        models,
        test,
        train=train,
        starts=settings.size(10, 2),
        length=settings.size(10_000, 500),
        discard=settings.size(1000, 50),
        metrics=["D_stsp", "D_H"],
    )


def _median(scores: xr.Dataset, metric: str, model: str) -> float:
    return float(scores["score"].sel(metric=metric, model=model).median())


def _row(
    name: str, scores: xr.Dataset, metric: str, model: str, theirs: float | None = None, target=None
) -> Row:
    values = scores["score"].sel(metric=metric, model=model)
    by_seed = values.median("start").values.ravel()
    by_seed = by_seed[np.isfinite(by_seed)]
    low, high = np.percentile(by_seed, [25, 75])
    note = f"quartiles {low:.3f} to {high:.3f}" if by_seed.size > 1 else ""
    peer = None if theirs is None else "the authors' figure"
    return Row(name, float(np.median(by_seed)), peer=peer, peer_value=theirs, target=target, note=note)
