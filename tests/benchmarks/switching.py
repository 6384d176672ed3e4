"""Are the regimes of a three-mode system found from data alone, and do forecasts know what they do not know?

Protocol: a system of two states that turns slowly, turns fast, or settles elsewhere (spectral radii 0.98, 0.95,
0.85), staying in a mode with probability 0.98; both states measured with noise, 5 % of the values missing.
Per seed 6 training and 6 test runs of 400 samples. `SwitchingLinear.from_data(train, regimes=3, states=2)` and
`dl.fit` with its defaults, which never see a label. Accuracy: share of the samples of the test runs whose
likeliest regime under the smoother is the true one, names matched for the best on the test runs. Coverage:
share of measured values of the test runs inside the central 90 % of 200 drawn paths, 1 and 20 steps after
windows of 60 samples. One output: only the first state is measured.

Peers: K-means (3 clusters, 20 starts) of the measured outputs; the smoother of the true parameters, which
nothing that is fitted can be expected to beat.

Target: at least 95 % of the samples on every seed; coverage between 0.85 and 0.95.

Seeds: 0 to 9 (one output: 0 to 4).
"""

import itertools
from typing import Any

import numpy as np

from ._measure import seconds
from ._rows import Row, at_least, between
from ._settings import Settings

KMEANS, TRUTH = "K-means", "true parameters"
STAY = 0.98
NOISE = 0.1
HORIZON, CONTEXT = 20, 60


def run(settings: Settings) -> list[Row]:
    lengths = (settings.size(400, 120),) * settings.size(6, 2)
    rows: list[Row] = []
    for outputs, count in ((2, settings.size(10, 1)), (1, settings.size(5, 1))):
        rows += _of(outputs, count, lengths, "" if outputs == 2 else ", one output")
    return rows


def _of(outputs: int, count: int, lengths: tuple[int, ...], label: str) -> list[Row]:
    import dynlearn as dl

    found: dict[str, list[float]] = {"ours": [], "truth": [], "kmeans": [], "near": [], "far": []}
    times: list[float] = []
    for seed in range(count):
        train, _ = simulated(2 * seed, lengths, outputs)
        test, true = simulated(2 * seed + 1, lengths, outputs)
        fitted: list[Any] = []

        def fit(train: Any = train, fitted: list[Any] = fitted) -> None:
            start = dl.models.SwitchingLinear.from_data(train, regimes=3, states=2, key=0)
            fitted.append(dl.fit(start, train, progress=False).model)

        times += seconds(fit, 1)
        found["ours"].append(accuracy(regimes(fitted[0], test), true))
        found["truth"].append(accuracy(regimes(truth(outputs), test), true))
        found["kmeans"].append(accuracy(clusters(train, test), true))
        near, far = coverage(fitted[0], test)
        found["near"].append(near)
        found["far"].append(far)
    of = {name: np.array(values) for name, values in found.items()}
    worst, note = (
        at_least(0.95),
        f"K-means: worst {of['kmeans'].min():.3f}, median {np.median(of['kmeans']):.3f}",
    )
    return [
        Row(
            f"accuracy, worst seed{label}",
            float(of["ours"].min()),
            "",
            TRUTH,
            float(of["truth"].min()),
            worst,
            note,
        ),
        Row(
            f"accuracy, median{label}", float(np.median(of["ours"])), "", TRUTH, float(np.median(of["truth"]))
        ),
        Row(
            f"accuracy against K-means, median{label}",
            float(np.median(of["ours"])),
            "",
            KMEANS,
            float(np.median(of["kmeans"])),
        ),
        Row(f"coverage of 90 %, 1 step{label}", float(of["near"].mean()), target=between(0.85, 0.95)),
        Row(f"coverage of 90 %, {HORIZON} steps{label}", float(of["far"].mean()), target=between(0.85, 0.95)),
        Row.repeated(f"time of from_data and fit{label}", times, "s", note="the first one compiles"),
    ]


def _turned(radius: float, angle: float) -> np.ndarray:
    return radius * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def modes(outputs: int) -> list[dict[str, np.ndarray]]:
    """The matrices of each mode."""
    A = (_turned(0.98, 0.15), _turned(0.95, 0.6), 0.85 * np.eye(2))
    c = (np.zeros(2), np.zeros(2), np.array([0.4, -0.2]))
    shared = {"C": np.eye(2)[:outputs], "Q": NOISE**2 * np.eye(2), "R": NOISE**2 * np.eye(outputs)}
    return [{"A": A[j], "c": c[j], **shared} for j in range(3)]


def odds() -> np.ndarray:
    return np.full((3, 3), (1 - STAY) / 2) + (STAY - (1 - STAY) / 2) * np.eye(3)


def simulated(
    seed: int, lengths: tuple[int, ...], outputs: int, missing: float = 0.05
) -> tuple[Any, np.ndarray]:
    """A dataset, and the true mode of each sample, all runs one after the other."""
    import dynlearn as dl

    rng, M, P = np.random.default_rng(seed), modes(outputs), odds()
    runs, states = [], []
    for length in lengths:
        z, x, y = rng.integers(3), rng.normal(size=2), np.empty((length, outputs))
        for k in range(length):
            if k:
                z = rng.choice(3, p=P[z])
                x = M[z]["A"] @ x + M[z]["c"] + NOISE * rng.normal(size=2)
            y[k] = M[z]["C"] @ x + NOISE * rng.normal(size=outputs)
            states.append(z)
        y[rng.random(y.shape) < missing] = np.nan
        runs.append(y)
    return dl.from_arrays(runs, dt=0.1), np.array(states)


def truth(outputs: int) -> Any:
    from dynlearn.models import Signature, SwitchingLinear

    signature = Signature(tuple(f"y{i}" for i in range(outputs)), interval=0.1)
    return SwitchingLinear.from_matrices(signature, modes(outputs), transition=odds())


def regimes(model: Any, ds: Any) -> np.ndarray:
    """The likeliest regime of each sample under the smoother."""
    import equinox as eqx
    import jax

    @eqx.filter_jit
    def weights(model: Any, runs: Any) -> Any:
        one = lambda run: model.inference.smooth(model.process(run), 0, jax.random.key(0))  # noqa: E731
        return jax.vmap(lambda run: one(run).smoothed.weight)(runs)

    return np.asarray(weights(model, ds.dyn.to_device())).argmax(-1).ravel()


def clusters(train: Any, test: Any) -> np.ndarray:
    """K-means of the outputs; a missing value takes the mean of its output."""
    from scipy.cluster.vq import kmeans2

    y = train["output"].values.reshape(-1, train.sizes["output_name"])
    mean, scale = np.nanmean(y, axis=0), np.nanstd(y, axis=0)
    scaled = lambda ds: np.nan_to_num((ds["output"].values.reshape(-1, len(mean)) - mean) / scale)  # noqa: E731
    best, centres = np.inf, np.zeros((3, len(mean)))
    for seed in range(20):
        found, label = kmeans2(scaled(train), 3, seed=seed, minit="++")
        error = ((scaled(train) - found[label]) ** 2).sum()
        if error < best:
            best, centres = error, found
    return ((scaled(test)[:, None] - centres) ** 2).sum(-1).argmin(1)


def accuracy(found: np.ndarray, true: np.ndarray) -> float:
    return float(max((np.array(p)[found] == true).mean() for p in itertools.permutations(range(3))))


def coverage(model: Any, ds: Any) -> tuple[float, float]:
    """At the first and at the last of `HORIZON` steps."""
    import dynlearn as dl

    windows = ds.dyn.windows(CONTEXT + HORIZON, stride=HORIZON)
    past, future = windows.isel(time=slice(0, CONTEXT)), windows.isel(time=slice(CONTEXT, None))
    drawn = dl.forecast(model, past, horizon=HORIZON, samples=200, key=0)["output"]
    low, high = np.quantile(drawn.values, [0.05, 0.95], axis=0)
    y = future["output"].values
    inside = np.where(np.isnan(y), np.nan, (low < y) & (y < high))
    return float(np.nanmean(inside[:, 0])), float(np.nanmean(inside[:, -1]))
