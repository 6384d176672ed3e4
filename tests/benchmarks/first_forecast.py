"""How long until the first forecast is in hand, and how long does the second one take?

Protocol: each job in a fresh process, in turns: start Python, import, read a shipped series (laser, first 2000
samples; gait, first 2000 samples of 3 outputs), fit, forecast 50 samples ahead with 90 % intervals. Wall time
from the start of the process until the interval is a numpy array: cold (nothing compiled before), and in the
next process (with the programs that the cold one kept, dynlearn's default). Of the cold process: seconds of
importing, of tracing and of compiling, and programs compiled; of either a second forecast, from another
context of the same length: milliseconds, and programs compiled. Models: ARX of order 16 (order 8 on gait),
Koopman (Fourier, count=100, delays=16), a small Neural ODE (hidden=1, memory=16, width=16, 300 steps). The
command line, on 400 rows of the laser: `dynlearn fit` of ARX with its table, cold and in the next process;
`dynlearn forecast` of the saved model from the second process on.

Peers: statsmodels, doing the same with the same order on the same samples: AutoReg for one output, VAR for
three (intervals in closed form; dynlearn's from 200 draws). For Koopman and the Neural ODE, which
statsmodels has not, the peer is AutoReg too: the time until somebody who takes that has a first forecast.

Target: ARX and Koopman under 4 s cold and 2.5 s in the next process, the Neural ODE under 6 s cold, `dynlearn
fit` under 6 s, `dynlearn forecast` under 3 s; no program compiled by the second forecast.

Seeds: fits 0, draws 0 and 1.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from ._measure import command, missing, peer, script
from ._rows import Row, at_most, below
from ._settings import Settings

PEER = "statsmodels"
Run = dict[str, Any]
"""What one job printed, with its clock."""
OURS = """
import json, time
started = time.perf_counter()
import numpy as np
import dynlearn as dl
dl.fit, dl.forecast, dl.models.{family}
imported = time.perf_counter() - started
import jax.monitoring
took = dict(trace=0.0, mlir=0.0, compile=0.0)
names = []
def heard(event, duration, **details):
    for name in took:
        took[name] += duration * (name in event)
    if event.endswith("backend_compile_duration"):
        names.append(str(details.get("fun_name")))
jax.monitoring.register_event_duration_secs_listener(heard)
ds = dl.datasets.load({series!r}).isel(time=slice(0, 2000))
model = {model}
model = dl.fit(model, ds, method={method}, key=0, progress=False).model
def interval(context, key):
    found = dl.forecast(model, context, horizon=50, samples=200, key=key)
    return np.quantile(found["output"].values, [0.05, 0.95], axis=0)
interval(ds.isel(time=slice(1900, 2000)), 0)
ready = time.time()
parts = dict(imported=imported, traced=took["trace"] + took["mlir"], compiling=took["compile"], programs=len(names))
names.clear()
started = time.perf_counter()
interval(ds.isel(time=slice(1400, 1500)), 1)
second = time.perf_counter() - started
print(json.dumps(dict(ready=ready, second=second, compiled=names, **parts)))
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
OURS_BY = ("ARX, laser", "ARX, gait", "Koopman, laser", "Neural ODE, laser")
STEPS = "dl.fitting.Gradient(steps={steps}, batch=32, horizon=10)"


def run(settings: Settings) -> list[Row]:
    jobs = _jobs(settings)
    runs: dict[str, list[Run]] = {name: [] for name in jobs}
    warm: dict[str, list[Run]] = {name: [] for name in OURS_BY}
    commands: dict[str, list[float]] = {}
    for _ in range(settings.times(5, quick=1)):
        for name, text in jobs.items():
            if name in OURS_BY:
                with tempfile.TemporaryDirectory() as folder:
                    cold, again = (script(text, {"DYNLEARN_CACHE": folder}) for _ in range(2))
                runs[name].append(cold)
                warm[name].append(again)
            else:
                runs[name].append(script(text))
        for name, took in _commands().items():
            commands.setdefault(name, []).append(took)
    rows = []
    for name in OURS_BY:
        rows += _rows(name, runs[name], warm[name], "VAR" if "gait" in name else "AutoReg", runs)
    targets = {"fit": below(6.0), "forecast, next process": below(3.0)}
    return [
        *rows,
        *(Row.repeated(f"dynlearn {name}", s, "s", target=targets.get(name)) for name, s in commands.items()),
    ]


def _commands() -> dict[str, float]:
    """Wall time of the command line's processes, one after the other with one cache."""
    import pandas as pd

    from dynlearn.datasets.files import shipped

    with tempfile.TemporaryDirectory() as folder:
        data, model = Path(folder) / "laser.csv", Path(folder) / "arx.dyn"
        pd.read_csv(shipped("laser/laser.csv")).iloc[:400].to_csv(data, index=False)
        dynlearn = [sys.executable, "-m", "dynlearn"]
        table = [str(data), "--time", "t", "--outputs", "intensity"]
        fit = [*dynlearn, "fit", *table, "--model", "ARX", "--output"]
        forecast = [*dynlearn, "forecast", str(model), *table, "--horizon", "20"]
        jobs = {
            "fit": [*fit, str(model)],
            "fit, next process": [*fit, str(model.with_name("again.dyn"))],
            "forecast": forecast,
            "forecast, next process": forecast,
        }
        return {name: command(job, {"DYNLEARN_CACHE": folder}) for name, job in jobs.items()}


def _jobs(settings: Settings) -> dict[str, str]:
    from dynlearn.datasets.files import shipped

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
    jobs = {
        name: OURS.format(series=s, model=m, method=how, family=m.split(".")[2])
        for name, (s, m, how) in models.items()
    }
    if peer(PEER):
        jobs["AutoReg"] = AUTOREG.format(path=str(shipped("laser/laser.csv")))
        jobs["VAR"] = VAR.format(path=str(shipped("gait/gait.csv")))
    return jobs


def _rows(name: str, cold: list[Run], warm: list[Run], other: str, runs: dict[str, list[Run]]) -> list[Row]:
    theirs = runs.get(other, [])
    note = "" if theirs else missing(PEER)
    who = f"{peer(PEER) or PEER} {other}"
    second = [1e3 * run["second"] for run in (*cold, *warm)]
    their_first, their_second = [_first(run) for run in theirs], [1e3 * run["second"] for run in theirs]
    programs = ", ".join(sorted({program for run in cold for program in run["compiled"]}))[:200]
    most = max(len(run["compiled"]) for run in cold)
    node = name.startswith("Neural")
    parts = [
        Row.repeated(f"{name}: of these {what}", [run[key] for run in cold], unit)
        for what, key, unit in (
            ("importing", "imported", "s"),
            ("tracing", "traced", "s"),
            ("compiling", "compiling", "s"),
            ("programs", "programs", "programs"),
        )
    ]
    first, again = [_first(run) for run in cold], [_first(run) for run in warm]
    return [
        Row.repeated(
            f"{name}: first forecast", first, "s", who, their_first, below(6.0 if node else 4.0), note
        ),
        *parts,
        Row.repeated(
            f"{name}: first forecast, next process",
            again,
            "s",
            who,
            their_first,
            None if node else below(2.5),
            note,
        ),
        Row.repeated(f"{name}: second forecast", second, "ms", who, their_second, note=note),
        Row(f"{name}: compiled by the second", most, "programs", target=at_most(0), note=programs),
    ]


def _first(run: Run) -> float:
    """Seconds from the start of the process to the first forecast."""
    return run["ready"] - run["started"]
