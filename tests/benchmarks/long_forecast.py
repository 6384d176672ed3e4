"""Is a forecast honest beyond the predictable time of a chaotic system?

Protocol: Lorenz-63 with 5 % noise (the files lorenz63_train and lorenz63_test of the AL-RNN repository, the first
30 000 samples of each). An AL-RNN with default settings is fitted to four fifths of the train file and validated on the
rest; then `Perturbed.of` it, whose noises are chosen on the same validation data. Forecasts of 600 samples by 200 draws
from 40 instants spread over the test file. Per range of leads: the share of measured values inside the central 90 % of
the draws, and the continuous ranked probability score (CRPS) in units of the data, averaged over outputs.

Peers: the error law of the AL-RNN alone (`ErrorGrowth`), and climatology: 200 samples of the train file at any lead.

Target: a share of 0.85 to 0.95 at every range, and a CRPS at most that of climatology; of the perturbed model.

Seeds: 0.
"""

import numpy as np
import xarray as xr

import dynlearn as dl

from ._rows import Row, at_most, between
from ._settings import Settings

RANGES = ((0, 60), (60, 150), (150, 300), (300, 600))
CONTEXT = 150


def run(settings: Settings) -> list[Row]:
    files = dl.datasets.load("lorenz63_alrnn").isel(time=slice(0, settings.size(30_000, 2000)))
    train, valid = files.sel(trajectory=["train"]).dyn.split(0.8)
    test = files.sel(trajectory=["test"])
    method = dl.fitting.TeacherForcing(steps=20, validate_every=10) if settings.quick else None
    model = dl.models.ALRNN.from_data(train, key=0)
    network = dl.fit(model, train, valid, method, progress=False).model
    cloud = dl.fit(dl.models.Perturbed.of(network), train, valid, progress=False).model
    horizon, draws = RANGES[-1][1], 200
    y = test["output"].transpose("trajectory", "time", "output_name").values[0]
    starts = np.linspace(CONTEXT, len(y) - horizon - 1, settings.size(40, 4)).astype(int)
    truth = np.stack([y[s : s + horizon] for s in starts])
    known = train["output"].transpose("trajectory", "time", "output_name").values[0]
    known = known[np.isfinite(known).all(1)]
    some = known[np.linspace(0, len(known) - 1, draws).astype(int)]
    found = {
        "perturbed": _drawn(cloud, test, starts, horizon, draws),
        "error law": _drawn(network, test, starts, horizon, draws),
        "climatology": np.broadcast_to(np.moveaxis(some, 0, -1), (*truth.shape, draws)),
    }
    rows = []
    for name, paths in found.items():
        low, high = np.quantile(paths, [0.05, 0.95], axis=-1)
        inside = ((truth >= low) & (truth <= high)).mean((0, 2))
        score, floor = _crps(paths, truth), _crps(found["climatology"], truth)
        for a, b in RANGES:
            ours = name == "perturbed"
            leads = f"{name}, leads {a} to {b}"
            target = between(0.85, 0.95) if ours else None
            rows.append(Row(f"{leads}: inside 90 %", float(inside[a:b].mean()), target=target))
            beside = ("climatology", float(floor[a:b].mean())) if ours else (None, None)
            target = at_most(1.0, of="ratio") if ours else None
            rows.append(Row(f"{leads}: CRPS", float(score[a:b].mean()), "", *beside, target))
    return rows


def _drawn(
    model: dl.models.AbstractModel, test: xr.Dataset, starts: np.ndarray, horizon: int, draws: int
) -> np.ndarray:
    """`(start, lead, output, draw)`."""
    contexts = [test.isel(time=slice(s - CONTEXT, s)) for s in starts]
    paths = [
        dl.forecast(model, one, horizon=horizon, samples=draws, key=i)["output"]
        .transpose("trajectory", "time", "output_name", "sample")
        .values[0]
        for i, one in enumerate(contexts)
    ]
    return np.stack(paths)


def _crps(paths: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Per lead: E|X - y| - E|X - X'| / 2, by the sorted draws."""
    n = paths.shape[-1]
    weight = (2 * np.arange(1, n + 1) - n - 1) / n**2
    score = np.abs(paths - truth[..., None]).mean(-1) - (np.sort(paths, -1) * weight).sum(-1)
    return score.mean((0, 2))
