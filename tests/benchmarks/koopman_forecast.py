"""Do Koopman models forecast nonlinear systems as well as the libraries made for it?

Protocol: 20 noisy runs of 200 samples of each system, its own sampling interval, initial states and parameters;
noise on every output of 5 % of its standard deviation; the pendulum swings without torque. 12 runs to fit, 4 to
choose by, 4 held out, each with contexts of 30 samples that end at samples 30, 80 and 130. NRMSE: root mean
square of mean forecast minus true state over the held-out runs, the outputs and the leads 1 to 10 (or 1 to
50), each output divided by the standard deviation of its true state there. dynlearn, defaults:
`Koopman.from_data(train)`, then `fit` with the validation runs, nothing set. dynlearn, lifting chosen: of the
default, Polynomial(degree=3), Fourier(delays=5) and Fourier(count=200, delays=5) the one that forecasts the
validation runs best over 50 samples. Medians and extremes over the seeds. Seconds in the notes are one fit
(here with compilation) and the whole search, of the first seed, on a machine that may have been busy.

Peers: each in the peers' environment, at the setting that forecasts the noisy validation runs best over 50
samples. PyDMD: DMD of delay vectors over all runs (delays, rank, forward-backward, total least squares), BOPDMD
of each context. kooplearn: Ridge on lifted delay vectors (Nystroem features of a Gaussian kernel, polynomials,
delays, ridge, powers of the operator or lifted again at every step). pysindy: STLSQ (polynomials of degree 2 and
3, also with sine and cosine; threshold; smoothing of derivatives and of the initial state).

Target: with defaults no worse than the best DMD (ratio <= 1.1); with the lifting chosen no worse than kooplearn.

Seeds: datasets 0, 1, 2; fits 0.
"""

import dataclasses
import time
from typing import Any

import numpy as np

from ._peers import ask
from ._rows import Row, Target, at_most
from ._settings import Settings, Unavailable

SYSTEMS = ("van_der_pol", "lotka_volterra", "pendulum", "lorenz63")
PEERS = {"PyDMD": "pydmd_forecast", "kooplearn": "kooplearn_forecast", "pysindy": "pysindy_forecast"}
DEFAULT, CHOSEN = "defaults", "lifting chosen"
AGAINST = {DEFAULT: ("PyDMD", 1.1), CHOSEN: ("kooplearn", 1.0)}
CONTEXT, STARTS, HORIZONS = 30, (30, 80, 130), (10, 50)
FIT, CHOOSE, TEST = slice(0, 12), slice(12, 16), slice(16, 20)


@dataclasses.dataclass(frozen=True)
class Found:
    """What one side made of one dataset."""

    errors: dict[int, float]
    """NRMSE by horizon."""
    note: str


def run(settings: Settings) -> list[Row]:
    rows = []
    for system in SYSTEMS[: settings.size(len(SYSTEMS), 1)]:
        rows += _system(system, settings)
    return rows


def _system(system: str, settings: Settings) -> list[Row]:
    found: dict[str, list[Found]] = {}
    absent: dict[str, str] = {}
    for seed in range(settings.size(3, 1)):
        ds = _noisy(system, seed)
        for side in (DEFAULT, CHOSEN):
            found.setdefault(side, []).append(_here(side, ds))
        for peer, script in PEERS.items():
            try:
                found.setdefault(peer, []).append(_peer(script, ds, settings.quick))
            except Unavailable as error:
                absent[peer] = str(error)
    return [_row(system, side, h, found, absent) for h in HORIZONS for side in (*AGAINST, *PEERS)]


def _row(system: str, side: str, horizon: int, found: dict[str, list[Found]], absent: dict[str, str]) -> Row:
    name = f"{system}, {horizon} samples: NRMSE, {side if side in PEERS else f'dynlearn, {side}'}"
    if side in absent:
        return Row(name, None, note=absent[side])
    values = [one.errors[horizon] for one in found[side]]
    note = "" if horizon != HORIZONS[0] else found[side][0].note
    if side in PEERS:
        return Row.repeated(name, values, note=note)
    peer, limit = AGAINST[side]
    beside = [one.errors[horizon] for one in found.get(peer, ())]
    target: Target | None = at_most(limit, of="ratio") if beside else None
    return Row.repeated(name, values, "", peer, beside, target, note)


def _noisy(system: str, seed: int) -> Any:
    """The same runs twice: once for the spread of their true states, once with noise."""
    import dynlearn as dl

    options: dict[str, Any] = {"runs": 20, "length": 200, "key": seed}
    if system == "pendulum":
        options["controls"] = np.zeros((200, 1))
    spread = dl.datasets.load(system, **options)["state"].std(("trajectory", "time")).values
    return dl.datasets.load(system, **options, measurement_noise=0.05 * spread).drop_dims(
        "control_name", errors="ignore"
    )


def _here(side: str, ds: Any) -> Found:
    import dynlearn as dl

    train, valid = ds.isel(trajectory=FIT), ds.isel(trajectory=CHOOSE)
    Fourier, Polynomial = dl.models.dictionaries.Fourier, dl.models.dictionaries.Polynomial
    liftings: dict[str, dict[str, Any]] = {"defaults": {}}
    if side == CHOSEN:
        for lifting in (Polynomial(degree=3), Fourier(delays=5), Fourier(count=200, delays=5)):
            liftings[repr(lifting).splitlines()[0][:80]] = {"lifting": lifting}
    begun, tried = time.perf_counter(), []
    for words, options in liftings.items():
        started = time.perf_counter()
        model = dl.fit(dl.models.Koopman.from_data(train, **options), train, valid, progress=False).model
        took = time.perf_counter() - started
        try:
            score = float(np.mean((_forecasts(model, valid) - _future(valid, "output")) ** 2))
        except dl.errors.DivergedError:
            score = np.inf
        tried.append((score, words, model, took))
    searched = time.perf_counter() - begun
    _, words, model, took = min(tried, key=lambda one: one[0])
    note = f"{words}; fitted in {took:.2g} s" + f", search {searched:.2g} s" * (side == CHOSEN)
    return Found(_errors(_forecasts(model, ds.isel(trajectory=TEST)), ds), note)


def _forecasts(model: Any, ds: Any) -> np.ndarray:
    """(window, time, output) of the mean forecast, windows as in `_future`."""
    import dynlearn as dl

    parts = []
    for start in STARTS:
        found = dl.forecast(model, ds.isel(time=slice(start - CONTEXT, start)), HORIZONS[-1], samples=1)
        parts.append(found["output_mean"].transpose("trajectory", "time", "output_name").values)
    return np.concatenate(parts)


def _peer(script: str, ds: Any, quick: bool) -> Found:
    train, valid, test = (ds.isel(trajectory=part) for part in (FIT, CHOOSE, TEST))
    found = ask(
        script,
        train=_values(train, "output"),
        contexts=_contexts(valid),
        future=_future(valid, "output"),
        tested=_contexts(test),
        dt=np.diff(ds["t"].values.ravel()[:2])[0],
        quick=quick,
    )
    note = f"{found['peer']}: {found['setting']}, best of {found['tried']}; "
    note += f"fitted in {found['fit']:.2g} s, search {found['search']:.2g} s"
    return Found(_errors(found["forecast"], ds), note)


def _errors(forecast: np.ndarray, ds: Any) -> dict[int, float]:
    truth = _future(ds.isel(trajectory=TEST), "state")
    errors = (forecast - truth) / truth.std((0, 1))
    return {h: float(np.sqrt((errors[:, :h] ** 2).mean())) for h in HORIZONS}


def _values(ds: Any, kind: str) -> np.ndarray:
    return ds[kind].transpose("trajectory", "time", f"{kind}_name").values


def _contexts(ds: Any) -> np.ndarray:
    return np.concatenate([_values(ds, "output")[:, s - CONTEXT : s] for s in STARTS])


def _future(ds: Any, kind: str) -> np.ndarray:
    return np.concatenate([_values(ds, kind)[:, s : s + HORIZONS[-1]] for s in STARTS])
