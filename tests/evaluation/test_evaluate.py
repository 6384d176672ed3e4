"""evaluate and compare: what they say about models whose quality is known."""

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError


@pytest.fixture(scope="module")
def system():
    """The default linear system, its outputs measured with noise: a linear model is of its class."""
    ds = dl.datasets.load("linear", runs=150, length=60, measurement_noise=0.05, key=0)
    return ds.dyn.split(0.6, 0.2, by="trajectory")


@pytest.fixture(scope="module")
def scored(system):
    train, valid, test = system
    model = dl.fit(
        dl.models.Koopman.from_data(train, lifting=dl.models.dictionaries.Delays(10)),
        train,
        valid,
        progress=False,
    ).model
    return dl.compare(
        {"koopman": model}, train, test, context=15, horizon=15, validation=valid, samples=100, stride=10
    )


@pytest.mark.slow
def test_intervals_are_honest(scored):
    assert 0.85 <= float(scored["coverage90"].sel(model="koopman").mean()) <= 0.95
    assert 0.42 <= float(scored["coverage50"].sel(model="koopman").mean()) <= 0.58


def test_a_model_of_the_right_class_beats_the_floors(scored):
    crps = scored["crps"].mean(["lead", "output_name"])
    assert float(crps.sel(model="koopman")) < 0.7 * float(
        crps.sel(model=["persistence", "context tiling"]).min()
    )


def test_the_settings_are_written_down(scored):
    assert {
        k: scored.attrs[k] for k in ("context", "horizon", "windows_left_out", "baselines_fitted_on")
    } == {
        "context": 15,
        "horizon": 15,
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


@pytest.fixture(scope="module")
def ragged(uneven):
    """Uneven, gappy runs of 26, 22 and 12 samples; nothing of output y0 in a stretch of the first."""
    ds = uneven.copy(deep=True)
    ds["output"][0, 2:8, 0] = np.nan
    return dl.concatenate([ds.dyn.run(0), ds.dyn.run(1), ds.dyn.run(2).isel(time=slice(0, 8))])


@pytest.mark.slow
def test_uneven_data_are_scored_without_arx_which_says_why(ragged):
    """Missing truth is left out of the scores, windows without a known state are counted, and runs
    shorter than a window hold none."""
    model = dl.fit(dl.models.Persistence.from_data(ragged, memory=5), ragged, progress=False).model
    found = dl.evaluate(model, ragged, context=8, horizon=4, samples=20)
    assert "ARX" not in found["model"].values
    assert "discrete-time model needs regular sampling" in found.attrs["missing ARX"]
    assert found.attrs["windows_left_out"] == 1
    assert found.attrs["windows"] == 4 + 3 - 1
    assert np.isfinite(found["rmse"]).all()
    assert "ARX is missing" in str(dl.evaluation.rich_table(found).caption)
