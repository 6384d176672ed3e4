"""How long until the first forecast is in hand, and how long does the second one take?

Protocol: each job in a fresh process, no compilation cache, in turns: start Python, import, read a shipped
series (laser, first 2000 samples; gait, first 2000 samples of 3 outputs), fit, forecast 50 samples ahead
with 90 % intervals. Wall time from the start of the process until the interval is a numpy array. Then a
second forecast, from another context of the same length: milliseconds, and programs compiled. Models: ARX
of order 16 (order 8 on gait), Koopman (Fourier, count=100, delays=16), a small Neural ODE (hidden=1,
memory=16, width=16, 300 steps).

Peers: statsmodels, doing the same with the same order on the same samples: AutoReg for one output, VAR for
three (intervals in closed form; dynlearn's from 200 draws). For Koopman and the Neural ODE, which
statsmodels has not, the peer is AutoReg too: the time until somebody who takes that has a first forecast.

Target: none for the times; no program compiled by the second forecast.

Seeds: fits 0, draws 0 and 1.
"""

from typing import Any

from ._measure import missing, peer, script
from ._rows import Row, at_most
from ._settings import Settings

PEER = "statsmodels"
Run = dict[str, Any]
"""What one job printed, with its clock."""
OURS = """
import json, time
import numpy as np
import dynlearn as dl
ds = dl.datasets.load({series!r}).isel(time=slice(0, 2000))
model = {model}
model = dl.fit(model, ds, method={method}, key=0, progress=False).model
def interval(context, key):
    found = dl.forecast(model, context, horizon=50, samples=200, key=key)
    return np.quantile(found["output"].values, [0.05, 0.95], axis=0)
interval(ds.isel(time=slice(1900, 2000)), 0)
ready = time.time()
import jax.monitoring
names = []
def heard(event, duration, **details):
    if event.endswith("backend_compile_duration"):
        names.append(str(details.get("fun_name")))
jax.monitoring.register_event_duration_secs_listener(heard)
started = time.perf_counter()
interval(ds.isel(time=slice(1400, 1500)), 1)
took = time.perf_counter() - started
print(json.dumps(dict(ready=ready, second=took, compiled=names)))
"""
AUTOREG = """
import json, time
import numpy as np, pandas as pd
from statsmodels.tsa.ar_model import AutoReg
y = pd.read_csv({path!r}).iloc[:2000, 1].to_numpy(float)
fitted = AutoReg(y, lags=16).fit()
fitted.get_prediction(2000, 2049).conf_int(alpha=0.1)
ready = time.time()
started = time.perf_counter()
fitted.apply(y[1400:1500]).get_prediction(100, 149).conf_int(alpha=0.1)
took = time.perf_counter() - started
print(json.dumps(dict(ready=ready, second=took, compiled=[])))
"""
VAR = """
import json, time
import numpy as np, pandas as pd
from statsmodels.tsa.api import VAR
y = pd.read_csv({path!r}).iloc[:2000, 1:].to_numpy(float)
fitted = VAR(y).fit(8)
fitted.forecast_interval(y[1900:2000], 50, alpha=0.1)
ready = time.time()
started = time.perf_counter()
fitted.forecast_interval(y[1400:1500], 50, alpha=0.1)
took = time.perf_counter() - started
print(json.dumps(dict(ready=ready, second=took, compiled=[])))
"""
STEPS = "dl.fitting.Gradient(steps={steps}, batch=32, horizon=10)"


def run(settings: Settings) -> list[Row]:
    jobs = _jobs(settings)
    runs: dict[str, list[Run]] = {name: [] for name in jobs}
    for _ in range(settings.times(5, quick=1)):
        for name, text in jobs.items():
            runs[name].append(script(text))
    rows = []
    for name in ("ARX, laser", "ARX, gait", "Koopman, laser", "Neural ODE, laser"):
        rows += _rows(name, runs[name], "VAR" if "gait" in name else "AutoReg", runs)
    return rows


def _jobs(settings: Settings) -> dict[str, str]:
    from dynlearn.datasets._files import shipped

    models = {
        "ARX, laser": ("laser", "dl.models.ARX.from_data(ds, delays=15)", None),
        "ARX, gait": ("gait", "dl.models.ARX.from_data(ds, delays=7)", None),
        "Koopman, laser": (
            "laser",
            "dl.models.Koopman.from_data(ds, "
            "lifting=dl.models.dictionaries.Fourier(count=100, delays=16), ridge=1e-6, key=0)",
            None,
        ),
        "Neural ODE, laser": (
            "laser",
            "dl.models.NeuralODE.from_data(ds, hidden=1, memory=16, width=16, key=0)",
            STEPS.format(steps=settings.size(300, 50)),
        ),
    }
    jobs = {name: OURS.format(series=s, model=m, method=how) for name, (s, m, how) in models.items()}
    if peer(PEER):
        jobs["AutoReg"] = AUTOREG.format(path=str(shipped("laser/laser.csv")))
        jobs["VAR"] = VAR.format(path=str(shipped("gait/gait.csv")))
    return jobs


def _rows(name: str, ours: list[Run], other: str, runs: dict[str, list[Run]]) -> list[Row]:
    theirs = runs.get(other, [])
    note = "" if theirs else missing(PEER)
    who = f"{peer(PEER) or PEER} {other}"
    first, second = [_first(run) for run in ours], [1e3 * run["second"] for run in ours]
    their_first, their_second = [_first(run) for run in theirs], [1e3 * run["second"] for run in theirs]
    programs = ", ".join(sorted({program for run in ours for program in run["compiled"]}))[:200]
    most = max(len(run["compiled"]) for run in ours)
    return [
        Row.repeated(f"{name}: first forecast", first, "s", who, their_first, note=note),
        Row.repeated(f"{name}: second forecast", second, "ms", who, their_second, note=note),
        Row(f"{name}: compiled by the second", most, "programs", target=at_most(0), note=programs),
    ]


def _first(run: Run) -> float:
    """Seconds from the start of the process to the first forecast."""
    return run["ready"] - run["started"]
