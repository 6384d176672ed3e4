"""What does a dataset of very unequal runs take in memory, beyond its padded self?

Protocol: one run of 1e5 samples beside 999 of 3, one output and one control in float64: x' = 0.9 x + 0.5 u,
y = x + 0.01 noise at dt = 0.1. The schema pads, so that the dataset itself takes t, output and control of 1e8
entries each. Every stage in a process of its own, which has done the same to a small dataset before (so that
imports, compilers and programs are there); then the ragged one is made, and the highest resident memory
(VmHWM, put back before the stage) above what is resident at its start. `from_arrays` starts from the lists of
runs. Beside the bytes of the samples (t, output, control in float64) as note.

    from_arrays   the runs to a dataset
    windows       ds.dyn.windows(16, short="drop")
    ARX           from_data(delays=2) and fit
    Koopman       from_data with 8 Fourier features of 2 delays, and fit
    NeuralODE     from_data and 20 steps of Gradient on windows of 4 + 5 samples
    EM            LinearStateSpace.from_data(states=1) and 3 iterations
    log_likelihood   of such a model
    forecast      of such an ARX, 5 steps, 10 draws

Peers: the bytes of the padded dataset, so that 1 is one more copy of it.

Target: from_arrays at most 1.2 times the padded dataset; every other stage at most 0.2 times.

Seeds: 0 for the data and the models.
"""

import json

from ._measure import script
from ._rows import Row, at_most
from ._settings import Settings

STAGES = ("from_arrays", "windows", "ARX", "Koopman", "NeuralODE", "EM", "log_likelihood", "forecast")
MEASURED = """
import json, re
import numpy as np
import dynlearn as dl

def status(field):
    text = open("/proc/self/status").read()
    return 1024 * int(re.search(field + r":\\s+(\\d+)", text)[1])

def runs(lengths):
    rng = np.random.default_rng(0)
    outputs, controls = [], []
    for n in lengths:
        u, x = rng.normal(size=n), 0.0
        y = np.empty(n)
        for k in range(n):
            y[k] = x
            x = 0.9 * x + 0.5 * u[k]
        outputs.append(y + 0.01 * rng.normal(size=n))
        controls.append(u)
    return outputs, controls

def fit(model, ds, method=None):
    return dl.fit(model, ds, method=method, progress=False).model

def neural(ds):
    model = dl.models.NeuralODE.from_data(ds, hidden=0, memory=4, width=8, key=0)
    return fit(model, ds, dl.fitting.Gradient(steps=20, horizon=5, validate_every=10))

def koopman(ds):
    lifting = dl.models.dictionaries.Fourier(count=8, delays=2)
    return fit(dl.models.Koopman.from_data(ds, lifting=lifting, key=0), ds)

def linear(ds):
    return dl.models.LinearStateSpace.from_data(ds, states=1)

def arx(ds):
    return fit(dl.models.ARX.from_data(ds, delays=2), ds)

def made(lengths):
    return dl.from_arrays(*runs(lengths), dt=0.1)

stage, lengths = {stage!r}, {lengths!r}
small = made([60, 50, 40, 30])
model = arx(small) if stage == "forecast" else linear(small) if stage == "log_likelihood" else None
works = dict(
    from_arrays=lambda given: dl.from_arrays(*given, dt=0.1),
    windows=lambda ds: ds.dyn.windows(16, short="drop"),
    ARX=arx,
    Koopman=koopman,
    NeuralODE=neural,
    EM=lambda ds: fit(linear(ds), ds, dl.fitting.EM(steps=3)),
    log_likelihood=lambda ds: dl.log_likelihood(model, ds),
    forecast=lambda ds: dl.forecast(model, ds, 5, controls=np.zeros((5, 1)), samples=10),
)
whole = runs(lengths)
given, first = (whole, runs([60, 50])) if stage == "from_arrays" else (dl.from_arrays(*whole, dt=0.1), small)
works[stage](first)
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
found = works[stage](given)
peak = status("VmHWM") - before
padded = (found if stage == "from_arrays" else given).nbytes
print(json.dumps(dict(peak=peak, padded=padded)))
"""


def run(settings: Settings) -> list[Row]:
    lengths = [settings.size(100_000, 3000)] + [3] * settings.size(999, 99)
    samples = 3 * 8 * sum(lengths)
    rows = []
    for stage in STAGES:
        found = script(MEASURED.replace("{stage!r}", repr(stage)).replace("{lengths!r}", json.dumps(lengths)))
        limit = 1.2 if stage == "from_arrays" else 0.2
        rows.append(
            Row(
                stage,
                found["peak"] / 1e6,
                "MB",
                "the padded dataset",
                found["padded"] / 1e6,
                at_most(limit, of="ratio"),
                f"{found['peak'] / samples:.3g} times the samples' {samples / 1e6:.3g} MB",
            )
        )
    return rows
