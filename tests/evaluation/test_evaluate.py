"""evaluate and compare: what they say about models whose quality is known."""

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError


@pytest.fixture(scope="module")
def system():
    """The default linear system, its outputs measured with noise: a linear model is of its class."""
    ds = dl.datasets.load("linear", runs=40, length=80, measurement_noise=0.05, key=0)
    return ds.dyn.split(0.6, 0.2, by="trajectory")


@pytest.fixture(scope="module")
def scored(system):
    train, valid, test = system
    model = dl.fit(dl.models.Koopman.from_data(train, lifting="delays"), train, valid, progress=False).model
    return dl.compare({"koopman": model}, train, test, context=40, horizon=20, validation=valid, samples=200, stride=10)


def test_intervals_are_honest(scored):
    assert 0.85 <= float(scored["coverage90"].sel(model="koopman").mean()) <= 0.95
    assert 0.42 <= float(scored["coverage50"].sel(model="koopman").mean()) <= 0.58


def test_a_model_of_the_right_class_beats_the_floors(scored):
    crps = scored["crps"].mean(["lead", "output_name"])
    assert float(crps.sel(model="koopman")) < 0.7 * float(crps.sel(model=["persistence", "context tiling"]).min())


def test_the_settings_are_written_down(scored):
    assert {k: scored.attrs[k] for k in ("context", "horizon", "windows_left_out", "baselines_fitted_on")} == {
        "context": 40,
        "horizon": 20,
        "windows_left_out": 0,
        "baselines_fitted_on": "train",
    }
    assert scored["output_unit"].values.tolist() == ["m", "m"]
    assert set(dl.evaluation.DEFINITIONS) == set(scored.data_vars)


def test_the_summary_condenses_roots_of_mean_squares(scored):
    table = dl.evaluation.summary(scored, output="position_1")
    one = scored.sel(model="koopman", output_name="position_1")
    assert table.loc["koopman", "rmse"] == pytest.approx(np.sqrt(float((one["rmse"] ** 2).mean())))
    assert table.loc["koopman", "crps"] == pytest.approx(float(one["crps"].mean()))
    assert "crps" not in dl.evaluation.summary(scored)
    with pytest.raises(ArgumentError, match=r"unknown output 'position1'; did you mean 'position_1'"):
        dl.evaluation.summary(scored, output="position1")


def test_missing_truth_is_left_out_and_windows_without_a_state_are_counted(system, make_linear):
    ds = make_linear(lengths=(40, 40))
    ds["output"][0, 5:15, :] = np.nan
    ds["output"][:, 30, 0] = np.nan
    model = dl.fit(dl.models.Persistence.from_data(ds, memory=5), ds, progress=False).model
    found = dl.evaluate(model, ds, context=10, horizon=5, samples=20)
    assert found.attrs["windows_left_out"] >= 1
    assert np.isfinite(found["rmse"]).all()


def test_uneven_data_are_scored_without_arx_which_says_why(uneven):
    model = dl.fit(dl.models.Persistence.from_data(uneven, memory=5), uneven, progress=False).model
    found = dl.evaluate(model, uneven, context=8, horizon=4, samples=20)
    assert "ARX" not in found["model"].values
    assert "discrete-time model needs regular sampling" in found.attrs["missing ARX"]
