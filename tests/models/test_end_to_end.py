"""fit, forecast, simulate, evaluate for every model; the second call compiles nothing."""

import jax
import numpy as np
import pytest

import dynlearn as dl

from .cases import CASES, koopman, node

WHOLE = (
    "node",
    "node hidden static uneven",
    "koopman polynomial",
    "koopman learned",
    "arx linear hold",
    "persistence",
    "tiling",
    "ensemble node",
)
"""One of each kind: every one compiles a fit, a forecast and a simulation."""
STEPS = dl.fitting.Gradient(steps=4, batch=4, horizon=3, validate_every=2, validation_windows=8)


def session(model, ds):
    """The whole path on one dataset; returns what each verb gave."""
    method = STEPS if model.method == "gradient" else None
    result = dl.fit(model, ds, ds, method, progress=False, calibration_horizon=5)
    context, future = ds.isel(time=slice(0, 12)), ds.isel(time=slice(12, 16))
    controls = future["control"] if "control" in ds else None
    times = future["t"].values
    fc = dl.forecast(result.model, context, controls=controls, times=times, samples=7, key=1)
    return result, fc, dl.simulate(result.model, ds, warmup=12)


@pytest.mark.parametrize("name", WHOLE)
def test_the_whole_path(name, data, compilations):
    kind, build = CASES[name]
    ds = data[kind]
    model = build(ds)
    result, fc, sim = session(model, ds)
    assert type(result.model) is type(model)
    assert dict(fc["output"].sizes) == {"sample": 7, "trajectory": 3, "time": 4, "output_name": 2}
    assert fc.dyn.outputs == ds.dyn.outputs
    assert (fc["output_scale"] > 0).all()
    dl.validate(sim)
    assert sim.sizes["time"] == ds.sizes["time"] - 12
    dl.validate(result.history)

    other = ds.assign(output=ds["output"] * 1.01 + 0.5)
    with compilations() as compiled:
        again = session(build(other), other)
    assert compiled == []
    assert not np.array_equal(again[1]["output_mean"], fc["output_mean"])


@pytest.mark.parametrize(
    "build", [node(hidden=0, memory=1), koopman("polynomial", ridge=1e-4)], ids=["node", "koopman"]
)
def test_the_whole_path_in_double_precision(build, make_linear):
    with jax.enable_x64(True):
        ds = make_linear(seed=3)
        result, fc, _ = session(build(ds), ds)
        assert {leaf.dtype for leaf in jax.tree.leaves(result.model) if hasattr(leaf, "dtype")} == {
            np.dtype("float64")
        }
    assert fc["output_mean"].dtype == np.float64


def test_evaluation_compiles_nothing_the_second_time(data, compilations):
    ds = data["zero"]
    model = dl.fit(CASES["koopman delays"][1](ds), ds, progress=False).model
    scores = dl.evaluate(model, ds, context=15, horizon=5, train=ds, samples=10)
    assert scores["model"].values.tolist() == ["Koopman", "persistence", "context tiling", "ARX"]
    other = ds.assign(output=ds["output"] * 1.01 + 0.5)
    with compilations() as compiled:
        dl.evaluate(model, other, context=15, horizon=5, train=other, samples=10)
    assert compiled == []


def test_a_forecast_only_looks_as_far_back_as_its_memory(data):
    ds = data["linear"]
    model = dl.fitting.calibrate(CASES["node linear hold"][1](ds), ds)
    long, short = ds.isel(time=slice(0, 20)), ds.isel(time=slice(20 - model.memory, 20))
    a, b = (dl.forecast(model, c, 2, controls=np.ones((2, 1)), samples=3) for c in (long, short))
    np.testing.assert_array_equal(a["output"], b["output"])


def test_a_model_made_in_single_precision_works_in_a_double_precision_session(data, tmp_path):
    ds = data["zero"]
    model = dl.fitting.calibrate(CASES["node"][1](ds), ds)
    dl.save(model, tmp_path / "m.dyn")
    single = dl.simulate(model, ds, warmup=25)["output"].values
    with jax.enable_x64(True):
        double = dl.simulate(dl.load(tmp_path / "m.dyn"), ds, warmup=25)["output"].values
    np.testing.assert_allclose(double, single, rtol=1e-4)
