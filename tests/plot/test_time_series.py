"""Figures over time show the numbers of the dataset: values, gaps, quantiles, bounds, units."""

from statistics import NormalDist

import numpy as np
import pytest
import xarray as xr

import dynlearn as dl
from dynlearn import plot
from dynlearn.errors import ArgumentError

UNITS = {"t": "s", "angle": "rad"}


def recorded() -> xr.Dataset:
    """Two runs of 12 and 8 samples; samples 3 and 4 of the first were not measured."""
    rng = np.random.default_rng(0)
    outputs = [rng.normal(size=(n, 1)) for n in (12, 8)]
    outputs[0][3:5] = np.nan
    controls = [rng.normal(size=(n, 1)) for n in (12, 8)]
    controls[0][-1] = controls[1][-1] = np.nan
    return dl.from_arrays(
        outputs,
        controls,
        dt=0.5,
        output_names=["angle"],
        control_names=["torque"],
        units={**UNITS, "torque": "N m"},
        runs=["a", "b"],
    )


def sampled(samples: int = 400) -> xr.Dataset:
    """A forecast of runs a and b over 6 instants from t = 6 on."""
    ds = dl.from_arrays(
        [np.zeros((6, 1))] * 2,
        times=6 + 0.5 * np.arange(6),
        output_names=["angle"],
        units=UNITS,
        runs=["a", "b"],
    )
    draws = np.random.default_rng(1).normal(size=(samples, 2, 6, 1))
    ds["output_mean"] = ds["output"].copy()
    ds["output"] = (("sample", "trajectory", "time", "output_name"), draws)
    return ds


def simulated() -> xr.Dataset:
    """A free run that follows the record, 0.5 where there is none, with a standard deviation of 2."""
    ds = recorded()
    inside = ds["t"].notnull()
    return ds.assign(
        recorded=ds["output"],
        output=ds["output"].fillna(0.5).where(inside),
        output_scale=xr.full_like(ds["output"], 2.0).where(inside),
    )


def by_gid(ax, gid: str) -> list:
    return [a for a in (*ax.lines, *ax.collections) if a.get_gid() == gid]


def band(ax, share: str) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper edge of a band, one value per instant."""
    (found,) = by_gid(ax, f"band {share}")
    edges = found.get_paths()[0].vertices
    at = np.unique(edges[:, 0])
    column = [edges[edges[:, 0] == t, 1] for t in at]
    return np.array([c.min() for c in column]), np.array([c.max() for c in column])


def test_outputs_are_drawn_with_their_gaps_and_units():
    ds = recorded()
    figure = plot.trajectories(ds)
    top, bottom = figure.axes
    (line,) = [x for x in top.lines if x.get_label() == "_child1" or x.get_ydata().size == 12]
    np.testing.assert_array_equal(line.get_ydata(), ds["output"].values[0, :, 0])
    assert np.isnan(line.get_ydata()[3:5]).all()
    assert top.get_ylabel() == "angle (rad)"
    assert bottom.get_ylabel() == "torque (N m)"
    assert bottom.get_xlabel() == "time (s)"


def test_missing_samples_are_marked_where_they_are():
    (marks,) = by_gid(plot.trajectories(recorded()).axes[0], "missing")
    np.testing.assert_array_equal(marks.get_xdata(), [1.5, 2.0])


def test_held_controls_are_steps_up_to_the_last_instant():
    ds = recorded()
    for line, row in zip(plot.trajectories(ds).axes[1].lines, ds["control"].values[..., 0], strict=True):
        assert line.get_drawstyle() == "steps-post"
        y, n = line.get_ydata(), line.get_ydata().size
        np.testing.assert_array_equal(y[:-1], row[: n - 1])
        assert y[-1] == row[n - 2]


def test_linear_controls_are_lines():
    ds = dl.from_arrays(np.zeros(4), np.arange(4.0), dt=0.5, hold="linear")
    line = plot.trajectories(ds).axes[1].lines[0]
    assert line.get_drawstyle() == "default"
    np.testing.assert_array_equal(line.get_ydata(), np.arange(4.0))


def test_a_line_breaks_where_samples_were_left_out():
    t = np.array([0.0, 0.1, 0.2, 0.6, 0.7])
    figure = plot.trajectories(dl.from_arrays(np.arange(5.0), times=t))
    line = figure.axes[0].lines[0]
    np.testing.assert_array_equal(np.isnan(line.get_ydata()), [False, False, False, True, False, False])
    assert 0.2 < line.get_xdata()[3] < 0.6


def test_a_line_does_not_break_where_sampling_is_merely_uneven():
    t = np.cumsum(np.random.default_rng(0).uniform(0.5, 1.7, 40))
    assert plot.trajectories(dl.from_arrays(np.arange(40.0), times=t)).axes[0].lines[0].get_ydata().size == 40


def test_a_sample_without_neighbours_gets_a_dot():
    y = np.array([0.0, 1.0, np.nan, 5.0, np.nan, 2.0, 3.0])
    dots = [x for x in plot.trajectories(dl.from_arrays(y, dt=1.0)).axes[0].lines if x.get_marker() == "."]
    np.testing.assert_array_equal(dots[0].get_ydata(), [5.0])


def test_runs_are_told_apart_or_counted():
    few = plot.trajectories(recorded())
    assert [text.get_text() for text in few.legends[0].get_texts()] == ["run a", "run b"]
    many = plot.trajectories(dl.from_arrays(np.zeros((9, 5, 1)), dt=1.0))
    assert not many.legends
    assert many.axes[0].get_title(loc="right") == "9 runs"


def test_trajectories_with_samples_are_a_fan():
    ds = sampled()
    ax = plot.trajectories(ds, runs="b").axes[0]
    low, high = band(ax, "90 %")
    np.testing.assert_allclose(low, np.quantile(ds["output"].values[:, 1, :, 0], 0.05, axis=0))
    np.testing.assert_allclose(high, np.quantile(ds["output"].values[:, 1, :, 0], 0.95, axis=0))


@pytest.mark.parametrize("run", ["a", "b"])
def test_fan_has_the_quantiles_of_its_run(run):
    fc = sampled()
    ax = plot.forecast_fan(fc, run=run).axes[0]
    draws = fc["output"].sel(trajectory=run).values[..., 0]
    for share, low, high in (("90 %", 0.05, 0.95), ("50 %", 0.25, 0.75)):
        lower, upper = band(ax, share)
        np.testing.assert_allclose(lower, np.quantile(draws, low, axis=0))
        np.testing.assert_allclose(upper, np.quantile(draws, high, axis=0))
    (median,) = [line for line in ax.lines if line.get_label() == "median"]
    np.testing.assert_allclose(median.get_ydata(), np.median(draws, axis=0))
    assert ax.get_ylabel() == "angle (rad)"
    assert ax.get_title(loc="right") == f"run {run}"


def test_fan_shows_context_and_truth_in_their_places():
    ds = dl.from_arrays(np.arange(20.0), dt=0.5, output_names=["angle"], units=UNITS, runs=["a"])
    fc = sampled()
    figure = plot.forecast_fan(fc, truth=ds, context=ds.isel(time=slice(0, 12)), run="a")
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["context", "median", "50 %", "90 %", "truth"]
    x = [line.get_xdata() for line in figure.axes[0].lines if len(line.get_xdata()) > 2]
    np.testing.assert_array_equal(x[0], 0.5 * np.arange(12))
    np.testing.assert_array_equal(x[-1], 6 + 0.5 * np.arange(6))
    (now,) = by_gid(figure.axes[0], "now")
    assert now.get_xdata()[0] == 5.5
    low, high = figure.axes[0].get_xlim()
    assert low <= 0.0 < 8.5 <= high


def test_fan_shows_as_much_of_the_past_as_asked_for():
    ds = dl.from_arrays(np.arange(20.0), dt=0.5, output_names=["angle"], units=UNITS, runs=["a"])
    figure = plot.forecast_fan(sampled(), context=ds.isel(time=slice(0, 12)), past=1.0)
    assert 4.3 < figure.axes[0].get_xlim()[0] <= 4.5


def test_simulation_bands_are_gaussian_about_the_mean_path():
    sim = simulated()
    figure = plot.simulation(sim, run="b")
    low, high = band(figure.axes[0], "90 %")
    mean = sim["output"].values[1, :8, 0]
    np.testing.assert_allclose(high, mean + 2 * NormalDist().inv_cdf(0.95))
    np.testing.assert_allclose(low, mean - 2 * NormalDist().inv_cdf(0.95))
    assert [ax.get_ylabel() for ax in figure.axes] == ["angle (rad)", "torque (N m)"]


def test_simulation_leaves_a_gap_where_nothing_was_recorded():
    sim = simulated()
    lines = plot.simulation(sim).axes[0].lines
    (line,) = [x for x in lines if len(x.get_ydata()) == 12 and np.isnan(x.get_ydata()).any()]
    assert np.isnan(line.get_ydata()[3:5]).all()


def with_reward(runs: int = 2) -> xr.Dataset:
    ds = dl.from_arrays(
        np.zeros((runs, 5, 1)),
        np.concatenate([np.ones((runs, 4, 1)), np.full((runs, 1, 1), np.nan)], axis=1),
        dt=0.1,
        units={"t": "s"},
    )
    ds["reward"] = (("trajectory", "time"), np.tile([-1.0, -2.0, -3.0, -4.0, np.nan], (runs, 1)))
    return ds


def test_closed_loop_sums_the_reward_and_draws_the_bounds():
    figure = plot.closed_loop(with_reward(), bounds=(-2, [1.5]), targets={"y0": 0.25})
    output, control, reward = figure.axes
    np.testing.assert_array_equal(reward.lines[0].get_ydata(), [0, -1, -3, -6, -10])
    assert [line.get_ydata()[0] for line in by_gid(control, "bound")] == [-2.0, 1.5]
    assert by_gid(output, "target")[0].get_ydata()[0] == 0.25
    assert "mean return −10" in reward.get_title(loc="right")


def test_closed_loop_without_reward_has_no_panel_for_it():
    assert len(plot.closed_loop(with_reward().drop_vars("reward")).axes) == 2


def test_plan_takes_a_decision_or_its_path():
    class Decision:
        reason, cost = "A plan was found.", 1.25

        def trajectory(self):
            return with_reward(1).drop_vars("reward")

    figure = plot.plan(Decision(), bounds=(-1, 1))
    assert figure.axes[0].get_title(loc="right") == "A plan was found, expected cost 1.25"
    assert len(plot.plan(Decision().trajectory()).axes) == 2


BAD = [
    (lambda: plot.trajectories(3), "expected an xarray.Dataset under the trajectory schema, got int"),
    (lambda: plot.trajectories(recorded(), runs="c"), "unknown run 'c'; did you mean 'a'|unknown run 'c'"),
    (lambda: plot.trajectories(recorded(), runs=[]), "expected at least one run id, got none"),
    (lambda: plot.trajectories(recorded(), outputs="angel"), "unknown output 'angel'; did you mean 'angle'"),
    (lambda: plot.forecast_fan(recorded()), "expected samples .output with a 'sample' dimension"),
    (lambda: plot.forecast_fan(sampled(), run="z"), "unknown run 'z'"),
    (lambda: plot.forecast_fan(sampled(), past=-1.0, context=recorded()), "past: expected a time > 0"),
    (lambda: plot.forecast_fan(sampled(), truth=recorded()), "truth: expected samples between t = 6 and 8.5"),
    (
        lambda: plot.forecast_fan(sampled(), truth=recorded().dyn.rename_runs(["x", "y"])),
        "truth: unknown run 'a'.*Pass one with the run that is shown",
    ),
    (
        lambda: plot.forecast_fan(sampled(), truth=recorded().assign_coords(output_name=["speed"])),
        "truth: unknown output 'angle'",
    ),
    (lambda: plot.simulation(recorded()), "variable 'output_scale'.*dl.simulate"),
    (lambda: plot.simulation("sim"), "sim: expected an xarray.Dataset"),
    (lambda: plot.closed_loop(sampled()), "runs: expected a dataset with the variable 'control'"),
    (lambda: plot.closed_loop(with_reward(), bounds=3), r"bounds: expected \(low, high\)"),
    (lambda: plot.closed_loop(with_reward(), bounds=([1, 2], [3, 4])), r"one per control \['u0'\]"),
    (lambda: plot.closed_loop(with_reward(), targets={"y1": 0}), "unknown output 'y1'; did you mean 'y0'"),
    (lambda: plot.closed_loop(with_reward(), targets=[0]), "targets: expected a mapping"),
    (lambda: plot.plan(None), "decision: expected an xarray.Dataset.*NoneType"),
]


@pytest.mark.parametrize(("call", "text"), BAD)
def test_bad_input_says_what_was_expected(call, text):
    with pytest.raises(ArgumentError, match=text):
        call()


def test_what_was_inferred_is_the_band_around_what_was_measured():
    """The band is mean +- z scale; dots stand where something was measured, ticks where nothing was."""
    rng = np.random.default_rng(0)
    y = np.cumsum(rng.normal(size=(30, 1)), axis=0)
    y[10:14] = np.nan
    ds = dl.from_arrays(y, dt=0.5, output_names=["angle"], units=UNITS)
    walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[0.04]], "P0": [[9.0]]}
    signature = dl.models.Signature(("angle",), output_units=("rad",), time_unit="s", interval=0.5)
    model = dl.models.LinearStateSpace.from_matrices(signature, walk)
    for verb, mean in ((dl.filter, "output_mean"), (dl.smooth, "output_mean"), (dl.impute, "output")):
        found = verb(model, ds)
        (ax,) = plot.inferred(found, level=0.8).axes
        (band,) = by_gid(ax, "band 80 %")
        corners = band.get_paths()[0].vertices
        top = found[mean].values[0, :, 0] + NormalDist().inv_cdf(0.9) * found["output_scale"].values[0, :, 0]
        assert corners[:, 1].max() == pytest.approx(top.max())
        dots = ax.lines[0].get_ydata()
        np.testing.assert_array_equal(dots, y[:, 0])
        (missing,) = by_gid(ax, "missing")
        np.testing.assert_allclose(missing.get_xdata(), 0.5 * np.arange(10, 14))
    with pytest.raises(ArgumentError, match="level: expected a number between 0 and 1, got 90"):
        plot.inferred(found, level=90)
    with pytest.raises(
        ArgumentError, match=r"expected a dataset with the variable 'output_scale'.*dl\.impute"
    ):
        plot.inferred(ds)
