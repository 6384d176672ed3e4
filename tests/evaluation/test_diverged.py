"""A model whose forecasts leave the finite numbers costs infinity and says where; the others keep their scores."""

import equinox as eqx
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError, DivergedError


@pytest.fixture(scope="module")
def linear():
    return dl.datasets.load("linear", runs=6, length=60, measurement_noise=0.02, key=0)


@pytest.fixture(scope="module")
def models(linear):
    good = dl.fitting.calibrate(dl.models.ARX.from_data(linear, delays=2), linear)
    return {"good": good, "wild": eqx.tree_at(lambda m: m.weights, good, 1e6 * good.weights)}


@pytest.mark.slow
def test_comparison(linear, models):
    scores = dl.compare(models, linear, linear, context=15, horizon=20, samples=20)
    wild = scores.sel(model="wild")
    for name in ("rmse", "nrmse", "mase", "crps", "energy"):
        assert np.isposinf(wild[name]).all(), name
        assert np.isfinite(scores[name].sel(model="good")).all(), name
    assert np.isnan(wild["coverage90"]).all()
    assert "left the finite numbers" in scores.attrs["diverged wild"]
    assert "inf" in dl.evaluation.summary(scores).loc["wild"].astype(str)["nrmse"]


def test_forecast(linear, models):
    future = linear.control.isel(time=slice(20, 40))
    with pytest.raises(
        DivergedError, match=r"run 0 left the finite numbers after \d+ steps.*shorten the horizon"
    ):
        dl.forecast(models["wild"], linear.isel(time=slice(0, 20)), horizon=20, controls=future)


def test_simulation(linear, models):
    with pytest.raises(
        DivergedError, match=r"simulate: the rollout of run 0 left the finite numbers after \d+"
    ):
        dl.simulate(models["wild"], linear, warmup=10)


def test_controls_of_another_period(linear, models):
    wrong = linear.control.isel(time=slice(0, 20))
    with pytest.raises(ArgumentError, match=r"controls: expected values at the forecast's instants"):
        dl.forecast(models["good"], linear.isel(time=slice(0, 20)), horizon=20, controls=wrong)
