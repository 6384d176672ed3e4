"""Numbers of numpy are numbers, and True is none, at every argument that takes one."""

import re

import equinox as eqx
import jax
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.control import CEM, Constraint
from dynlearn.errors import DynlearnError
from dynlearn.inference import Particle


@pytest.fixture(scope="module")
def ds():
    rng = np.random.default_rng(0)
    return dl.from_arrays(rng.normal(size=(3, 30, 1)), rng.normal(size=(3, 30, 1)), dt=0.5)


@pytest.fixture(scope="module")
def model(ds):
    return dl.fit(dl.models.ARX.from_data(ds, delays=0), ds, progress=False).model


def forecast(model, ds, **options):
    past, ahead = ds.isel(time=slice(0, 20)), ds["control"].isel(time=slice(20, 22))
    return dl.forecast(model, past, controls=ahead, **{"horizon": 2} | options)


INTEGERS = [
    ("elites", lambda n, m, d: CEM(elites=n)),
    ("iterations", lambda n, m, d: CEM(iterations=n)),
    ("horizon", lambda n, m, d: mpc(m, horizon=n)),
    ("steps", lambda n, m, d: dl.fitting.Gradient(steps=n)),
    ("batch", lambda n, m, d: dl.fitting.Gradient(batch=n)),
    ("patience", lambda n, m, d: dl.fitting.Gradient(patience=n)),
    ("size", lambda n, m, d: dl.models.Ensemble.of(m, n)),
    ("horizon", lambda n, m, d: forecast(m, d, horizon=n)),
    ("samples", lambda n, m, d: forecast(m, d, samples=n)),
    ("warmup", lambda n, m, d: dl.simulate(m, d, warmup=n)),
    ("calibration_horizon", lambda n, m, d: dl.fit(m, d, calibration_horizon=n, progress=False)),
    ("length", lambda n, m, d: d.dyn.windows(n)),
    ("stride", lambda n, m, d: d.dyn.windows(3, n)),
    ("key", lambda n, m, d: d.dyn.split(0.4, 0.3, by="trajectory", key=n)),
    ("key", lambda n, m, d: dl.models.NeuralODE.from_data(d, key=n)),
    ("stride", lambda n, m, d: dl.evaluate(m, d, context=15, horizon=3, stride=n)),
    ("runs", lambda n, m, d: dl.datasets.load("pendulum", runs=n, length=3)),
]


def mpc(model, **options):
    return dl.control.MPC(model, dl.control.Quadratic([0.0], [1.0], [1.0]), bounds=(-1, 1), **options)


@pytest.mark.parametrize(("name", "call"), INTEGERS, ids=[f"{i}-{row[0]}" for i, row in enumerate(INTEGERS)])
def test_integers(name, call, model, ds):
    call(np.int64(2), model, ds)
    for wrong in (True, np.bool_(True), np.float64(2.0)):
        with pytest.raises(DynlearnError, match=rf"{name}.*got .*{re.escape(str(wrong))}"):
            call(wrong, model, ds)


TWO = np.int64(2)
FAMILIES = [
    ("NeuralODE", {"hidden": TWO, "memory": TWO, "width": TWO, "depth": TWO, "key": TWO}),
    ("NeuralSDE", {"hidden": TWO, "memory": TWO, "width": TWO, "key": TWO}),
    ("NeuralMap", {"hidden": TWO, "memory": TWO, "width": TWO, "key": TWO}),
    ("Koopman", {"lifting": dl.models.dictionaries.Fourier(count=TWO, delays=TWO), "key": TWO}),
    ("LinearStateSpace", {"states": TWO, "memory": TWO}),
    ("NonlinearStateSpace", {"states": TWO, "width": TWO, "memory": TWO}),
    ("ContinuousDiscrete", {"states": TWO, "width": TWO, "memory": TWO}),
    ("SwitchingLinear", {"states": TWO, "regimes": TWO}),
    ("DeepStateSpace", {"states": TWO, "width": TWO, "layers": TWO, "memory": TWO}),
    ("ARX", {"delays": TWO}),
    ("Persistence", {"memory": TWO}),
    ("ContextTiling", {"memory": TWO}),
]


@pytest.mark.parametrize(("family", "sizes"), FAMILIES, ids=[row[0] for row in FAMILIES])
def test_sizes_of_families_become_plain(family, sizes, ds):
    model = getattr(dl.models, family).from_data(ds, **sizes)  # equinox warns of numpy in what is static
    kinds = {type(leaf) for leaf in jax.tree.leaves(eqx.filter(model, eqx.is_array, inverse=True))}
    assert not any(issubclass(kind, np.generic) for kind in kinds)


REALS = [
    ("weight", lambda x, m, d: Constraint(lambda y, u, t: y, weight=x)),
    ("momentum", lambda x, m, d: CEM(momentum=x)),
    ("interval", lambda x, m, d: mpc(m, interval=x)),
    ("learning_rate", lambda x, m, d: dl.fitting.Gradient(learning_rate=x)),
    ("threshold", lambda x, m, d: Particle(threshold=x)),
    ("ridge", lambda x, m, d: dl.models.ARX.from_data(d, ridge=x)),
    ("standard deviation", lambda x, m, d: dl.models.structural.Trend(level=x)),
]


@pytest.mark.parametrize(("name", "call"), REALS, ids=[row[0] for row in REALS])
def test_real_numbers(name, call, model, ds):
    call(np.float32(0.5), model, ds)
    for wrong in (True, "0.5"):
        with pytest.raises(DynlearnError, match=rf"{name}.*got "):
            call(wrong, model, ds)
