"""Do structural models and ARX forecast monthly series as well as statsforecast?

Protocol: monthly sea surface temperature (elnino) and monthly means of carbon dioxide (co2; empty months
interpolated, since the peers take none), by rolling origin: ten origins, a year apart, the last a year before the
end. At each one every model is fitted to the 360 months before it and forecasts 12.
MASE: mean absolute error over all origins and leads, divided by the mean absolute difference of
months a year apart in the first window. Coverage: share of the truth within the 90 % intervals. Interval score: width
plus 20 times what falls outside, mean, in the series' unit. dynlearn: `LinearStateSpace.of` Trend + Seasonal(12),
`ARX.from_data`; both fitted from their defaults, intervals from mean and standard deviation.

Peers: statsforecast in the peers' environment, season 12: AutoARIMA, AutoETS, MSTL, of which the best by
each score on the test itself is the one compared with; last year repeated.

Target: MASE and interval score of the structural model no more than 5 % above the best peer's; coverage 80 to 97 %.

Seeds: none is used but the fits', 0.
"""

from typing import Any

import numpy as np

from ._measure import dataset
from ._peers import ask
from ._rows import Row, at_most, between
from ._settings import Settings, Unavailable

WINDOW, AHEAD, YEAR, Z90 = 360, 12, 12, 1.6449
Intervals = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Mean, lower and upper bound, (origin, lead)."""


def run(settings: Settings) -> list[Row]:
    rows = []
    for name in ("elnino", "co2"):
        rows += _series(name, settings)
    return rows


def _series(name: str, settings: Settings) -> list[Row]:
    series, unit = _monthly(name)
    origins = [len(series) - AHEAD * k for k in range(settings.size(10, 1), 0, -1)]
    windows = np.stack([series[o - WINDOW : o] for o in origins])
    truth = np.stack([series[o : o + AHEAD] for o in origins])
    scale = float(abs(windows[0, YEAR:] - windows[0, :-YEAR]).mean())
    try:
        found = ask("statsforecast_seasonal", windows=windows, ahead=AHEAD, season=YEAR)
        peers = {str(m): (found[f"{m}_mean"], found[f"{m}_low"], found[f"{m}_high"]) for m in found["models"]}
        best, missing = str(found["peer"]), []
    except Unavailable as error:
        peers, best, missing = {}, "", [Row(f"{name}: statsforecast", None, note=str(error))]
    naive = float(abs(windows[:, -YEAR:] - truth).mean() / scale)
    rows = [*missing, Row(f"{name}: MASE, last year repeated", naive)]
    theirs = {model: _scores(i, truth, scale) for model, i in peers.items()}
    ours = {model: _scores(_here(model, windows), truth, scale) for model in ("structural", "ARX")}
    for model, (mase, cover, score) in {**ours, **theirs}.items():
        beside = best if theirs and model in ours else None
        known: list[Any] = [min((t[i] for t in theirs.values()), default=None) for i in (0, 2)]
        limit = at_most(1.05, of="ratio") if model == "structural" else None
        within = between(0.8, 0.97) if model in ours else None
        shown = known if beside else [None, None]
        rows += [
            Row(f"{name}: MASE, {model}", mase, "", beside and f"best of {beside}", shown[0], limit),
            Row(f"{name}: interval score, {model}", score, unit, beside, shown[1], limit),
            Row(f"{name}: coverage of 90 % intervals, {model}", cover, target=within),
        ]
    return rows


def _monthly(name: str) -> tuple[np.ndarray, str]:
    ds = dataset(name)
    y, t = ds["output"].values[0, :, 0], ds["t"].values[0]
    unit = str(ds["output_unit"].values[0])
    if name == "elnino":
        return y, unit
    month = (t / (365.25 / 12)).astype(int)  # days since the start
    months = np.arange(month.max() - 479, month.max() + 1)
    measured = [m for m in months if np.isfinite(y[month == m]).any()]
    return np.interp(months, measured, [np.nanmean(y[month == m]) for m in measured]), unit


def _scores(found: Intervals, truth: np.ndarray, scale: float) -> tuple[float, float, float]:
    """MASE, coverage, interval score."""
    mean, low, high = found
    outside = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    score = float((high - low + 20 * outside).mean())
    return float(abs(mean - truth).mean() / scale), float((outside == 0).mean()), score


def _here(kind: str, windows: np.ndarray) -> Intervals:
    import dynlearn as dl

    means, scales = [], []
    for window in windows:
        ds = dl.from_arrays(window[None, :, None], dt=1.0)
        if kind == "ARX":
            model: Any = dl.models.ARX.from_data(ds)
        else:
            pieces = dl.models.structural.Trend() + dl.models.structural.Seasonal(YEAR)
            model = dl.models.LinearStateSpace.of(pieces, ds)
        fitted = dl.fit(model, ds, key=0, progress=False).model
        ahead = dl.forecast(fitted, ds, AHEAD, samples=1)
        means.append(ahead["output_mean"].values.reshape(AHEAD))
        scales.append(ahead["output_scale"].values.reshape(AHEAD))
    mean, scale = np.stack(means), np.stack(scales)
    return mean, mean - Z90 * scale, mean + Z90 * scale
