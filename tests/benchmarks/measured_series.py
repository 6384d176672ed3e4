"""Do the two families forecast measured series better than the baselines, with honest intervals?

Protocol: split 0.6 / 0.2 / 0.2 by time; context 32; horizon 50 (laser, first 3000 samples) or 32 (gait); a
forecast every 5 samples of the test part, 200 draws; scores are means over all leads and outputs (RMSE:
root of the mean square), in the series' unit. Koopman: random Fourier features (count=400, delays=16,
bandwidth=0.5), gap=0, ridge chosen on the validation part at the shown horizon. Neural ODE: hidden=3,
memory=32, width=64, Gradient(steps=3000, horizon as shown, learning_rate=5e-3, batch=64). Gait also: deep
Koopman, Learned(count=32, delays=31), objective "multi_step", Gradient(steps=2000, horizon as shown,
learning_rate=3e-3, batch=64).

Peers: ARX (order by Akaike's criterion, up to the context), persistence, context tiling.

Target: every model's CRPS below persistence's; at least one's below ARX's; 90 % intervals that cover 80 to 97 %.

Seeds: fits 0, draws 0.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from ._measure import dataset
from ._rows import Row, at_least, below, between
from ._settings import Settings

CONTEXT = 32
BASELINES = ("ARX", "persistence", "context tiling")


@dataclasses.dataclass(frozen=True)
class Series:
    name: str
    until: int | None
    horizon: int
    deep: bool
    """Whether a deep Koopman model is fitted too."""


SERIES = (Series("laser", 3000, 50, False), Series("gait", None, 32, True))


def run(settings: Settings) -> list[Row]:
    rows = []
    for series in SERIES:
        rows += _series(series, settings)
    return rows


def _series(series: Series, settings: Settings) -> list[Row]:
    import dynlearn as dl

    ds = dataset(series.name).isel(time=slice(0, 1500 if settings.quick else series.until))
    train, valid, test = ds.dyn.split(0.6, 0.2)
    fits = dict(_fits(series, train, valid, settings))
    models = {name: fit.model for name, fit in fits.items()}
    size = {"stride": settings.size(5, 50), "samples": settings.size(200, 40)}
    scores = dl.compare(models, train, test, CONTEXT, series.horizon, validation=valid, key=0, **size)
    unit = set(ds["output_unit"].values.tolist()) if "output_unit" in ds.coords else {""}
    return list(_rows(series.name, scores, fits, unit.pop() if len(unit) == 1 else ""))


def _fits(series: Series, train: Any, valid: Any, settings: Settings) -> Iterator[tuple[str, Any]]:
    import dynlearn as dl
    from dynlearn.fitting import Gradient, LeastSquares
    from dynlearn.parts.liftings import dictionaries

    fourier = dictionaries.Fourier(count=settings.size(400, 50), delays=16, bandwidth=0.5)
    model: Any = dl.models.Koopman.from_data(train, lifting=fourier, gap=0, key=0)
    yield "Koopman", dl.fit(model, train, valid, LeastSquares(horizon=series.horizon), key=0, progress=False)
    model = dl.models.NeuralODE.from_data(train, hidden=3, memory=CONTEXT, width=64, key=0)
    method = Gradient(steps=settings.size(3000, 100), horizon=series.horizon, learning_rate=5e-3, batch=64)
    yield "NeuralODE", dl.fit(model, train, valid, method, key=0, progress=False)
    if series.deep:
        learned = dictionaries.Learned(count=32, delays=CONTEXT - 1)
        model = dl.models.Koopman.from_data(train, lifting=learned, gap=0, key=0)
        steps = settings.size(2000, 100)
        method = Gradient(steps=steps, horizon=series.horizon, learning_rate=3e-3, batch=64)
        fit = dl.fit(model, train, valid, method, objective="multi_step", key=0, progress=False)
        yield "deep Koopman", fit


def _rows(series: str, scores: Any, fits: dict[str, Any], unit: str) -> Iterator[Row]:
    crps = {str(name): float(scores["crps"].sel(model=name).mean()) for name in scores["model"].values}
    rmse = {name: float((scores["rmse"].sel(model=name) ** 2).mean() ** 0.5) for name in crps}
    cover = {name: float(scores["coverage90"].sel(model=name).mean()) for name in crps}
    for name in (*fits, *BASELINES):
        if name not in crps:
            yield Row(f"{series}: CRPS, {name}", None, note=scores.attrs.get(f"missing {name}", ""))
            continue
        seconds = f"fitted in {fits[name].seconds:.0f} s" if name in fits else ""
        peer = None if name == "ARX" else "ARX"
        yield Row(f"{series}: CRPS, {name}", crps[name], unit, peer, crps.get(peer or ""), note=seconds)
        yield Row(f"{series}: RMSE, {name}", rmse[name], unit, peer, rmse.get(peer or ""))
        target = between(0.8, 0.97) if name in fits else None
        yield Row(f"{series}: coverage of 90 % intervals, {name}", cover[name], target=target)
        if name in fits:
            label, naive = f"{series}: CRPS, {name}, against persistence", crps.get("persistence")
            yield Row(label, crps[name], unit, "persistence", naive, below(1, of="ratio"))
    better = [name for name in fits if "ARX" in crps and crps[name] < crps["ARX"]]
    note = f"{', '.join(better)}; {scores.attrs['windows']} forecasts, {scores.attrs['windows_left_out']} left out"
    yield Row(f"{series}: models whose CRPS is below ARX's", len(better), target=at_least(1), note=note)
