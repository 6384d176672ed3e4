"""reconstruction_scores: what it says of models whose quality is known, and how it counts."""

import io

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from rich.console import Console

import dynlearn as dl
from dynlearn.errors import ArgumentError
from dynlearn.evaluation import reconstruction as r
from dynlearn.evaluation.reconstruction.result import quantile

FAST = {"width": 4, "hidden": 0, "memory": 1}


def lorenz_field(t, x, u, s):
    return jnp.stack([10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]])


def known(ds, field, kind=dl.models.NeuralODE):
    """A model with the given dynamics; its error law, which no score here reads, is found on a piece."""
    name = "field" if kind is dl.models.NeuralODE else "map"
    model = kind.from_data(ds, **{name: field}, **FAST)
    few = ds.isel(time=slice(0, 200))
    return dl.fit(model, few, method="calibration", progress=False, calibration_horizon=4).model


@pytest.fixture(scope="module")
def lorenz():
    return dl.datasets.load("lorenz63", runs=2, length=3000, key=0).dyn.split(0.5, by="trajectory")


@pytest.fixture(scope="module")
def models(lorenz):
    train, _ = lorenz

    def escaping(t, x, u, s):  # over the finite numbers of float32 after 90 / 40 units of time
        return 40 * x

    def periodic(t, x, u, s):  # the classical limit cycle at rho = 160
        return jnp.stack([10 * (x[1] - x[0]), x[0] * (160 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]])

    return {
        "true": known(train, lorenz_field),
        "seeds": [known(train, lorenz_field), known(train, escaping)],
        "other": known(train, periodic),
    }


@pytest.fixture(scope="module")
def scores(lorenz, models):
    train, test = lorenz
    return r.reconstruction_scores(models, test, train=train, starts=4, lyapunov=0.906)


def median(scores, metric, model):
    return float(scores["median"].sel(metric=metric, model=model))


@pytest.mark.parametrize("metric", ["D_stsp", "D_H", "autocorrelation", "dimension", "lyapunov"])
def test_the_true_field_scores_as_data_do(scores, metric):
    """Within the spread of the floor, and far below everything that is not the system."""
    floor = scores["score"].sel(metric=metric, model="data").values
    assert median(scores, metric, "true") < 1.5 * np.nanmax(floor)
    for model in ("other", "persistence", "context tiling"):
        assert median(scores, metric, "true") < 0.6 * median(scores, metric, model), model


def test_the_true_field_follows_for_many_lyapunov_times(scores):
    assert median(scores, "valid_time", "true") > 4
    assert median(scores, "valid_time", "persistence") < 0.2
    assert median(scores, "prediction_error", "true") < 1e-3
    assert 0.5 < median(scores, "prediction_error", "data") < 2


def test_rows_and_settings(scores):
    assert scores["model"].values.tolist() == [
        *("true", "seeds", "other"),
        *("data", "persistence", "context tiling"),
    ]
    assert scores["metric"].values.tolist() == list(r.METRICS)
    sizes = {name: scores.attrs[name] for name in ("starts", "length", "discard", "context", "steps", "lags")}
    # 3000 samples: the largest window of length 1.2 L with room for two more.
    assert sizes == {"starts": 4, "length": 834, "discard": 83, "context": 83, "steps": 20, "lags": 83}
    assert scores.attrs["interval"] == 0.02
    assert "smoothed by a Gaussian of 20 bins" in str(scores["definition"].sel(metric="D_H").values)
    assert "834 samples" in str(scores["definition"].sel(metric="D_H").values)
    assert str(scores["references"].sel(metric="lyapunov").values) == (
        "rosenstein1993practical, theiler1986spurious"
    )
    assert scores["best"].values.tolist() == ["smallest"] * 3 + ["largest"] + ["smallest"] * 3


def test_a_diverged_seed_is_scored_as_the_worst_and_counted(scores, lorenz):
    assert scores["diverged"].to_series().to_dict() == {
        **{"true": 0, "seeds": 4, "other": 0},
        **{"data": 0, "persistence": 0, "context tiling": 0},
    }
    assert scores["runs"].sel(model="seeds") == 8
    seed = scores["score"].sel(model="seeds", seed=1)
    outside = r.state_space_divergence(np.full((834, 3), np.nan), lorenz[1]["output"].values[0])
    assert np.isnan(scores["score"].sel(model="true", seed=1)).all()
    np.testing.assert_allclose(seed.sel(metric="D_stsp"), outside, rtol=1e-12)
    assert (seed.sel(metric="D_H") == 1).all()
    assert (seed.sel(metric="autocorrelation") == 2).all()
    for metric in ("lyapunov", "dimension"):
        assert np.isposinf(seed.sel(metric=metric)).all(), metric
    assert (seed.sel(metric="prediction_error") > 1e4).all()
    assert (seed.sel(metric="valid_time") < 0.2).all()
    assert not scores["median"].isnull().any()


def test_scores_are_those_of_the_functions(lorenz, scores):
    """Row persistence and row data against the functions, by hand."""
    train, test = lorenz
    y, other = test["output"].values[0], train["output"].values[0]
    start = np.linspace(83, 3000 - 917, 4).round().astype(int)  # the first sample ahead
    windows = np.stack([y[k + 83 : k + 917] for k in start])
    floor = np.stack([other[k + 83 : k + 917] for k in start])
    found = scores["score"].sel(model="data", seed=0)
    by_hand = {
        "D_stsp": [r.state_space_divergence(w, y) for w in floor],
        "D_H": [r.spectral_distance(w, windows) for w in floor],
        "autocorrelation": [r.autocorrelation_distance(w, windows, 83) for w in floor],
    }
    for metric, values in by_hand.items():
        np.testing.assert_allclose(found.sel(metric=metric), values, rtol=1e-6, err_msg=metric)
    ahead = np.stack([y[k : k + 917] for k in start])
    held = np.repeat(y[start - 1][:, None], 917, axis=1)
    errors = [r.prediction_error(p, w, 20, y.std(axis=0)) for p, w in zip(held, ahead, strict=True)]
    times = 0.02 * np.arange(1, 918)
    valid = [
        r.valid_prediction_time(p, w, times, scale=y.std(axis=0), lyapunov=0.906)
        for p, w in zip(held, ahead, strict=True)
    ]
    found = scores["score"].sel(model="persistence", seed=0)
    np.testing.assert_allclose(found.sel(metric="prediction_error"), errors, rtol=1e-5)
    np.testing.assert_allclose(found.sel(metric="valid_time"), valid, rtol=1e-6)
    np.testing.assert_allclose(scores["instant"], 0.02 * (start - 1))


def test_invariants_are_there_themselves(scores):
    value = scores["value"].sel(invariant="dimension")
    assert float(value.sel(model="true").median()) == pytest.approx(2.05, abs=0.15)
    apart = np.abs(value - scores["recorded_value"].sel(invariant="dimension")).sel(model="true", seed=0)
    np.testing.assert_allclose(scores["score"].sel(metric="dimension", model="true", seed=0), apart)
    assert np.isnan(scores["value"].sel(model="persistence", invariant="lyapunov", seed=0)).all()


def test_tiling_repeats_the_context(scores, lorenz):
    y = lorenz[1]["output"].values[0]
    tiled = np.resize(y[:83], (917, 3))[83:]
    np.testing.assert_allclose(scores["free_run"].sel(model="context tiling"), tiled, rtol=1e-5)
    np.testing.assert_array_equal(scores["recorded"], y[166:1000])


def test_quartiles_are_over_starts_and_seeds(scores):
    values = scores["score"].sel(metric="D_H", model="seeds").values.ravel()
    for name, level in (("lower", 0.25), ("median", 0.5), ("upper", 0.75)):
        got = float(scores[name].sel(metric="D_H", model="seeds"))
        assert got == pytest.approx(np.quantile(values, level))


def test_infinity_is_a_value_like_any_other():
    values = np.array([[1.0, 2.0, 3.0, np.inf], [np.inf] * 4, [np.nan, 5.0, np.nan, 7.0], [np.nan] * 4])
    np.testing.assert_array_equal(quantile(values, 0.5), [2.5, np.inf, 6.0, np.nan])
    np.testing.assert_array_equal(quantile(values, 0.75), [np.inf, np.inf, 6.5, np.nan])
    finite = np.random.default_rng(0).normal(size=(3, 7))
    np.testing.assert_allclose(quantile(finite, 0.25), np.quantile(finite, 0.25, axis=1))


def test_a_floor_without_training_data(lorenz):
    """The window half way around the starts, compared with the test set without it."""
    _, test = lorenz
    model = dl.fit(dl.models.Persistence.from_data(test), test, progress=False).model
    found = r.reconstruction_scores(
        {"mine": model}, test, starts=3, length=600, discard=0, context=10, metrics=["D_stsp", "D_H"]
    )
    y = test["output"].values[0]
    start = np.linspace(10, 2400, 3).round().astype(int)
    for i, j in enumerate((1, 2, 0)):
        run = y[start[j] : start[j] + 600]
        rest = np.delete(y, np.arange(start[j], start[j] + 600), axis=0)
        others = [y[start[k] : start[k] + 600] for k in range(3) if k != j]
        got = found["score"].sel(model="data").isel(seed=0, start=i)
        np.testing.assert_allclose(got.sel(metric="D_stsp"), r.state_space_divergence(run, rest))
        np.testing.assert_allclose(got.sel(metric="D_H"), r.spectral_distance(run, np.stack(others)))
    assert found.attrs["data"] == "test"


def test_windows_that_overlap_are_no_floor(lorenz):
    _, test = lorenz
    model = dl.fit(dl.models.Persistence.from_data(test), test, progress=False).model
    options = {"starts": 2, "length": 2500, "discard": 0, "context": 10, "metrics": ["D_stsp"]}
    found = r.reconstruction_scores({"mine": model}, test, **options)
    assert found["model"].values.tolist() == ["mine", "persistence", "context tiling"]
    assert found.attrs["missing data"] == (
        "no two windows of 2500 samples half way around the starts are apart; give train=, or shorten length=."
    )


def test_one_start(lorenz):
    train, test = lorenz
    model = dl.fit(dl.models.Persistence.from_data(test), test, progress=False).model
    found = r.reconstruction_scores(model, test, train=train, starts=1, metrics=["D_H"])
    assert found["model"].values.tolist()[0] == "Persistence"
    assert "missing data" not in found.attrs


def test_the_table(scores):
    frame = dl.evaluation.summary(scores)
    assert frame.loc["true", "D_H"] == median(scores, "D_H", "true")
    assert frame.loc["data", "D_H 75 %"] == float(scores["upper"].sel(metric="D_H", model="data"))
    console = Console(file=io.StringIO(), width=200)
    console.print(dl.evaluation.rich_table(scores))
    text = " ".join(console.file.getvalue().split())
    assert f"{median(scores, 'D_stsp', 'true'):.3g} (" in text
    assert "seeds: 4 of 8 free runs diverged" in text
    assert "834 samples of a free run after 83" in text
    assert "data: windows of train" in text
    with pytest.raises(
        ArgumentError, match=r"output: reconstruction scores are of all outputs together, got 'x'"
    ):
        dl.evaluation.rich_table(scores, "x")


def test_the_figure(scores):
    figure = dl.plot.reconstruction(scores)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles[:5] == ["recorded", "true", "seeds", "other", "context tiling"]
    assert [title for title in titles if "↑" in title] == ["valid time ↑"]
    recorded = figure.axes[0].lines[0]
    np.testing.assert_array_equal(recorded.get_xdata(), scores["recorded"].sel(output_name="x"))
    np.testing.assert_array_equal(recorded.get_ydata(), scores["recorded"].sel(output_name="z"))
    (spectrum,) = [ax for ax in figure.axes if ax.get_ylabel() == "power of y"]
    line = next(line for line in spectrum.lines if line.get_label() == "true")
    y = scores["free_run"].sel(model="true", output_name="y").values
    np.testing.assert_allclose(line.get_ydata(), r.power_spectrum(y)[1:, 0])
    assert line.get_xdata()[0] == pytest.approx(1 / (834 * 0.02))
    (bars,) = [ax for ax in figure.axes if ax.get_title(loc="left") == "D_stsp"]
    assert bars.patches[0].get_width() == pytest.approx(median(scores, "D_stsp", "true"))
    (floor,) = [x for x in bars.lines if x.get_gid() == "floor"]
    assert floor.get_xdata()[0] == median(scores, "D_stsp", "data")


def test_figures_of_parts(scores):
    figure = dl.plot.reconstruction(scores, models="true", metrics=["D_H"], plane=("y", "x"))
    titles = [ax.get_title(loc="left").strip() for ax in figure.axes]
    assert titles == ["recorded", "true", "", "", "", "D_H"]
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("y", "x")
    for options, words in (
        ({"models": "tru"}, "unknown model 'tru'; did you mean 'true'"),
        ({"metrics": "DH"}, "unknown metric 'DH'; did you mean 'D_H'"),
        ({"plane": "x"}, "plane: expected the names of two outputs, got 'x'"),
    ):
        with pytest.raises(ArgumentError, match=words):
            dl.plot.reconstruction(scores, **options)
    with pytest.raises(
        ArgumentError, match=r"expected what dl.evaluation.reconstruction_scores returns, got int"
    ):
        dl.plot.reconstruction(3)


def test_a_file_keeps_it(scores, tmp_path):
    scores.to_netcdf(tmp_path / "scores.nc", engine="h5netcdf")
    back = xr.open_dataset(tmp_path / "scores.nc", engine="h5netcdf")
    xr.testing.assert_allclose(back.load(), scores)
    assert dl.evaluation.summary(back).equals(dl.evaluation.summary(scores))
