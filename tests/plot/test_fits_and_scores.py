"""Figures of fits, scores, spectra, phase portraits and returns."""

import numpy as np
import pytest
import xarray as xr

import dynlearn as dl
from dynlearn import plot
from dynlearn.errors import ArgumentError


def logged(**columns) -> xr.Dataset:
    values = np.stack([np.asarray(v, float) for v in columns.values()], axis=1)
    return dl.from_arrays(values, times=10.0 * np.arange(1, len(values) + 1), output_names=list(columns))


def table(models=("mine", "persistence", "ARX"), outputs=("y",), leads=3, factor=1.0) -> xr.Dataset:
    """Scores that rise by 1 from model to model and by 0.1 from lead to lead."""
    one = 0.1 * np.arange(1, leads + 1)[:, None] + np.zeros(len(outputs))
    values = np.stack([factor**i * (one + i) for i in range(len(models))])
    dims = ("model", "lead", "output_name")
    names = ("rmse", "nrmse", "mase", "crps")
    found = dict.fromkeys(names, (dims, values)) | {
        name: (dims, np.clip(values / 4, 0, 1)) for name in ("coverage50", "coverage90")
    }
    found["energy"] = (("model", "lead"), values[..., 0])
    coords = {"model": list(models), "lead": np.arange(1, leads + 1), "output_name": list(outputs)}
    return xr.Dataset(found, coords).assign_coords(output_unit=("output_name", ["m"] * len(outputs)))


def line(ax, label):
    (found,) = [x for x in ax.lines if x.get_label() == label]
    return found


def test_history_marks_the_best_validation_score():
    figure = plot.history(logged(loss=[3, 2, 1, 0.5], validation=[4, 2, 1, 3], gradient=[1, 1, 0, 0]))
    main, gradient = figure.axes
    np.testing.assert_array_equal(line(main, "loss").get_ydata(), [3, 2, 1, 0.5])
    (best,) = [x for x in main.lines if x.get_gid() == "best"]
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (30.0, 1.0)
    assert main.get_title(loc="right") == "best validation score 1 at 30"
    assert main.get_yscale() == "log"
    assert gradient.get_yscale() == "linear"
    assert [ax.get_ylabel() for ax in figure.axes] == ["loss and validation score", "gradient norm"]


def test_history_of_a_closed_form_fit_is_over_its_ridges():
    figure = plot.history(logged(ridge=[0, 1e-3, 0.1], validation=[2, 1, 3]))
    (ax,) = figure.axes
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0", "0.001", "0.1"]
    assert ax.get_xlabel() == "ridge (penalty per sample)"
    assert "1 at 0.001" in ax.get_title(loc="right")


def test_history_takes_a_fit_result():
    class Result:
        history = logged(loss=[2, 1])

    assert len(plot.history(Result()).axes) == 1


def test_scores_draw_every_model_and_tell_baselines_apart():
    found = table()
    ax = plot.scores(found, "crps").axes[0]
    for model in ("mine", "persistence", "ARX"):
        values = found["crps"].sel(model=model, output_name="y").values
        np.testing.assert_array_equal(line(ax, model).get_ydata(), values)
    assert line(ax, "mine").get_linestyle() == "-"
    assert line(ax, "persistence").get_linestyle() == "--"
    assert {t.get_text() for t in ax.texts} == {"mine", "persistence", "ARX"}
    assert ax.get_ylabel() == "CRPS of y (m)"
    assert ax.get_xlabel() == "lead (steps)"
    assert ax.get_ylim()[0] == 0.0


def test_scores_have_a_panel_per_output_and_one_legend():
    figure = plot.scores(table(outputs=("a", "b", "c")), "nrmse")
    assert [ax.get_ylabel() for ax in figure.axes] == ["NRMSE of a", "NRMSE of b", "NRMSE of c"]
    assert len(figure.legends[0].get_texts()) == 3
    assert len(plot.scores(table(outputs=("a", "b")), "energy").axes) == 1


def test_scores_far_apart_are_on_a_logarithmic_axis():
    assert plot.scores(table(factor=1000.0)).axes[0].get_yscale() == "log"


@pytest.mark.parametrize("figure", [plot.scores, plot.score_bars])
def test_coverage_stands_beside_its_nominal_level(figure):
    ax = figure(table(), "coverage90").axes[0]
    (nominal,) = [x for x in ax.lines if x.get_gid() == "nominal"]
    assert 0.9 in (nominal.get_xdata()[0], nominal.get_ydata()[0])


def test_bars_are_the_numbers_of_the_summary():
    found = table(outputs=("a", "b"))
    figure = plot.score_bars(found, "rmse", outputs="b")
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    np.testing.assert_allclose(widths, dl.evaluation.summary(found, "b")["rmse"])
    assert figure.axes[0].get_xlabel() == "RMSE of b (m)"


def test_a_bar_that_is_not_finite_says_so():
    found = table()
    found["crps"].loc[{"model": "ARX"}] = np.inf
    texts = [text.get_text() for text in plot.score_bars(found).axes[0].texts]
    assert texts == ["0.2", "1.2", "not finite"]


class Linear:
    def eigenvalues(self):
        return np.array([0.9 + 0.1j, 0.9 - 0.1j])


def test_eigenvalues_are_drawn_in_the_unit_circle():
    ax = plot.eigenvalues(Linear(), reference=[0.9 + 0.1j]).axes[0]
    np.testing.assert_array_equal(line(ax, "model").get_xdata(), [0.9, 0.9])
    np.testing.assert_array_equal(line(ax, "model").get_ydata(), [0.1, -0.1])
    np.testing.assert_array_equal(line(ax, "reference").get_ydata(), [0.1])
    (circle,) = [x for x in ax.lines if x.get_gid() == "unit circle"]
    np.testing.assert_allclose(np.hypot(*circle.get_data()), 1.0)
    assert ax.get_aspect() == 1.0
    assert "0.9055" in ax.get_title(loc="right")


def orbit() -> xr.Dataset:
    t = 0.1 * np.arange(20)
    y = np.stack([np.cos(t), -np.sin(t)], axis=1)
    y[5] = np.nan
    return dl.from_arrays(
        y, np.sin(t), dt=0.1, output_names=["q", "v"], units={"q": "m", "v": "m/s", "u0": "N"}
    )


def test_phase_draws_one_channel_over_another_with_gaps():
    ds = orbit()
    ax = plot.phase(ds, "q", "v").axes[0]
    np.testing.assert_array_equal(ax.lines[0].get_data(), ds["output"].values[0].T)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("q (m)", "v (m/s)")
    (start,) = [x for x in ax.lines if x.get_gid() == "start"]
    assert (start.get_xdata()[0], start.get_ydata()[0]) == (1.0, 0.0)
    assert plot.phase(ds, "q", "u0").axes[0].get_ylabel() == "u0 (N)"


def test_phase_of_samples_is_their_mean_path():
    ds = orbit()
    fc = ds.assign(output=ds["output"] + xr.DataArray([-1.0, 1.0, 3.0], dims="sample"))
    figure = plot.phase({"recorded": ds, "forecast": fc}, "q", "v")
    lines = [x for x in figure.axes[0].lines if x.get_gid() is None]
    np.testing.assert_allclose(lines[1].get_xdata(), lines[0].get_xdata() + 1)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["recorded", "forecast"]
    known = fc.assign(output_mean=ds["output"] + 7)
    assert plot.phase(known, "q", "v").axes[0].lines[0].get_xdata()[0] == 8.0


def test_returns_show_every_episode_and_the_mean():
    ax = plot.returns({"random": [-6.0, -1.0, -2.0], "MPC": np.array([-1.0])}, target=-2, unit="1").axes[0]
    np.testing.assert_array_equal(line(ax, "random").get_xdata(), [-6, -1, -2])
    assert [x.get_xdata()[0] for x in ax.lines if x.get_gid() == "mean"] == [-3, -1]
    assert "mean −3, n = 3" in {t.get_text() for t in ax.texts}
    assert ax.get_xlabel() == "return per episode (1)"


def test_returns_of_a_closed_loop_are_its_summed_rewards():
    runs = dl.from_arrays(np.zeros((2, 3, 1)), dt=1.0)
    runs["reward"] = (("trajectory", "time"), [[1.0, 2.0, np.nan], [3.0, 4.0, np.nan]])
    np.testing.assert_array_equal(line(plot.returns({"MPC": runs}).axes[0], "MPC").get_xdata(), [3, 7])


BAD = [
    (lambda: plot.history([1, 2]), "result: expected an xarray.Dataset.*list.*dl.fit"),
    (lambda: plot.history(logged(loss=[np.nan, np.nan])), "expected a history with numbers"),
    (
        lambda: plot.scores(orbit()),
        "scores: expected what dl.evaluate or dl.compare returns, got Dataset with",
    ),
    (lambda: plot.scores(None), "dl.compare returns, got NoneType"),
    (lambda: plot.scores(table(), "crsp"), "unknown score 'crsp'; did you mean 'crps'"),
    (lambda: plot.score_bars(table(), "crps", outputs="z"), "unknown output 'z'"),
    (lambda: plot.eigenvalues(object()), "linear latent dynamics, such as dl.models.Koopman, got object"),
    (lambda: plot.phase(orbit(), "q", "w"), "unknown channel 'w'"),
    (lambda: plot.phase({}, "q", "v"), "got an empty mapping"),
    (lambda: plot.phase({"a": 3}, "q", "v"), r"ds\['a'\]: expected an xarray.Dataset"),
    (lambda: plot.returns([1, 2]), "returns: expected a mapping"),
    (lambda: plot.returns({}), "empty one shows nothing"),
    (lambda: plot.returns({"a": [np.nan]}), "expected finite numbers"),
    (lambda: plot.returns({"a": ["x"]}), "expected numbers, one per episode"),
    (lambda: plot.returns({"a": orbit()}), "expected a dataset with 'reward'"),
]


@pytest.mark.parametrize(("call", "text"), BAD)
def test_bad_input_says_what_was_expected(call, text):
    with pytest.raises(ArgumentError, match=text):
        call()
