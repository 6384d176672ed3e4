"""How do time and memory grow with the data?

Protocol: a damped, driven rotation with noise (two outputs, one control), as one run and as many runs of
three samples; four sizes each, up to 1e6 samples and 1e5 runs (quick: a hundredth of it). Each job in a
fresh process, nothing kept between processes; every call once before on data of a hundredth of the size.
Timed: building the dataset from arrays, splitting it, windows of 2 samples (stride 2), fitting ARX of order
1, fitting Koopman with 32 Fourier features without delays by least squares, filtering by a linear state-
space model, forecasting 10 samples with 20 draws after every run. The slope is that of log time over log
size between the two largest sizes; below 0.2 s it says nothing, and is not printed. Memory: the peak of the
call less what the process had before it (data and a smaller call included), over the bytes of the dataset,
at the largest size. Koopman with a validation part and its search for a ridge: 128 000 samples, 32 Fourier
features.

Peers: none.

Target: slopes at most 1.1; memory at most 4 times the data; Koopman of 128 000 samples under 3 s.

Seeds: data 0, features 0, draws 0.
"""

import math
from typing import Any

from ._measure import script
from ._rows import Row, at_most, below
from ._settings import Settings

SIZES = (125_000, 250_000, 500_000, 1_000_000)
RUNS = (12_500, 25_000, 50_000, 100_000)
VERBS = ("build", "split", "windows", "ARX", "Koopman", "filter", "forecast")
JOB = """
import json, time
import numpy as np
import dynlearn as dl
def arrays(runs, length):
    rng = np.random.default_rng(0)
    A, b = np.array([[0.9, 0.2], [-0.2, 0.9]]).T, np.array([0.0, 0.1])
    u = rng.normal(size=(runs, length, 1))
    y, x = np.empty((runs, length, 2)), rng.normal(size=(runs, 2))
    for k in range(length):
        y[:, k] = x
        x = x @ A + b * u[:, k]
    return y + 0.01 * rng.normal(size=y.shape), u
def build(parts):
    return dl.from_arrays(list(parts[0]), list(parts[1]), dt=0.1)
def first(ds):
    return ds.isel(trajectory=slice(0, 50), time=slice(0, 500))
def arx(ds):
    return dl.fit(dl.models.ARX.from_data(ds, delays=1), ds, progress=False).model
def koopman(ds):
    lifting = dl.models.dictionaries.Fourier(count=32, delays=0)
    return dl.fit(dl.models.Koopman.from_data(ds, lifting=lifting, key=0), ds, progress=False).model
def linear(ds):
    model = dl.models.LinearStateSpace.from_data(ds, states=2)
    return dl.fit(model, ds, method="calibration", progress=False).model
def job(verb, ds, parts):
    if verb == "build":
        return lambda: build(parts)
    if verb == "split":
        return lambda: ds.dyn.split(0.7, 0.15, by="trajectory" if ds.dyn.n_runs > 9 else "time")
    if verb == "windows":
        return lambda: ds.dyn.windows(2, stride=2)
    if verb == "filter":
        model = linear(first(ds))
        return lambda: dl.filter(model, ds)
    if verb == "forecast":
        model, controls = arx(first(ds)), np.zeros((10, 1))
        return lambda: dl.forecast(model, ds, 10, controls=controls, samples=20)
    return lambda: dict(ARX=arx, Koopman=koopman)[verb](ds)
def status(name):
    line = next(line for line in open("/proc/self/status") if line.startswith(name))
    return int(line.split()[1]) * 1024
def timed(runs, length):
    parts = arrays(runs, length)
    ds = build(parts)
    call = job({verb!r}, ds, parts)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak begins anew
    before, started = status("VmRSS"), time.perf_counter()
    call()
    return time.perf_counter() - started, (status("VmHWM") - before) / ds.nbytes
timed(max(4, {runs} // 100), max(3, {length} // 100))
took, grown = timed({runs}, {length})
print(json.dumps(dict(took=took, grown=grown)))
"""
SEARCH = """
import json, time
import numpy as np
import dynlearn as dl
ds = dl.datasets.load("pendulum", runs=128, length=1250, measurement_noise=0.01, key=0)
def fit(ds):
    train, valid = ds.dyn.split(0.8, by="trajectory")
    lifting = dl.models.dictionaries.Fourier(count=32, delays=0)
    model = dl.models.Koopman.from_data(train, lifting=lifting, key=0)
    started = time.perf_counter()
    dl.fit(model, train, valid, progress=False)
    return time.perf_counter() - started, train.sizes["trajectory"] * train.sizes["time"]
fit(ds.isel(trajectory=slice(0, 10)))
took, samples = fit(ds)
print(json.dumps(dict(took=took, samples=samples)))
"""


def run(settings: Settings) -> list[Row]:
    rows = []
    for what, sizes in (("one run", SIZES), ("runs of 3", RUNS)):
        for verb in VERBS:
            rows += _rows(verb, what, [n // (100 if settings.quick else 1) for n in sizes])
    found = script(SEARCH)
    name = f"Koopman with its ridge search, {found['samples']} samples"
    return [*rows, Row(name, found["took"], "s", target=below(3.0))]


def _rows(verb: str, what: str, sizes: list[int]) -> list[Row]:
    found = [_job(verb, what, n) for n in sizes]
    took = [one["took"] for one in found]
    slope = math.log(took[-1] / took[-2]) / math.log(sizes[-1] / sizes[-2])
    note = ", ".join(f"{n}: {s:.3g} s" for n, s in zip(sizes, took, strict=True))
    rows = [Row(f"{verb}, {what}: time", took[-1], "s", note=note)]
    if took[-2] >= 0.2:
        rows.append(Row(f"{verb}, {what}: slope", slope, target=at_most(1.1)))
    rows.append(Row(f"{verb}, {what}: memory", found[-1]["grown"], "times the data", target=at_most(4.0)))
    return rows


def _job(verb: str, what: str, size: int) -> dict[str, Any]:
    runs, length = (1, size) if what == "one run" else (size, 3)
    return script(JOB.format(verb=verb, runs=runs, length=length))
