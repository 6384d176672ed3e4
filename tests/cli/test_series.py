"""Series on the command line: filtered, smoothed, filled, forecast; written as .csv and read again."""

import numpy as np
import pandas as pd
import pytest

import dynlearn as dl
from dynlearn.models import LinearStateSpace, Signature

DATED = ["--time", "day", "--outputs", "level", "--unit", "day=d"]
WALK = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[0.01]], "P0": [[100.0]]}


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """days.csv: dates without numbers on weekends; walk.dyn: a random walk seen almost without noise."""
    folder = tmp_path_factory.mktemp("days")
    dates = np.datetime64("2024-01-01") + np.arange(30)
    level = np.cumsum(np.random.default_rng(0).normal(size=30))
    level[~np.is_busday(dates)] = np.nan
    table = pd.DataFrame({"day": np.datetime_as_string(dates), "level": level})
    table.to_csv(folder / "days.csv", index=False)
    ds = dl.from_csv(folder / "days.csv", time="day", outputs=["level"], units={"t": "d"})
    dl.save(LinearStateSpace.from_matrices(Signature.of(ds, discrete=True), WALK), folder / "walk.dyn")
    return folder


def test_a_forecast_as_csv_has_dates_where_dates_came_in(call, days, tmp_path):
    arguments = ["--horizon", 3, "--samples", 400, "-o"]
    shown = call(
        "forecast", days / "walk.dyn", days / "days.csv", *DATED, *arguments, tmp_path / "f.csv"
    ).output
    call("forecast", days / "walk.dyn", days / "days.csv", *DATED, *arguments, tmp_path / "f.nc")
    table, fc = pd.read_csv(tmp_path / "f.csv"), dl.read(tmp_path / "f.nc")
    assert table["day"].tolist() == ["2024-01-31", "2024-02-01", "2024-02-02"]
    assert "2024-02-01" in shown
    assert list(table.columns) == [
        "trajectory", "day", "level", "output_scale.level",
        *(f"output_q{q}.level" for q in ("05", "25", "50", "75", "95")),
    ]  # fmt: skip
    for column, name in (("level", "output_mean"), ("output_scale.level", "output_scale")):
        np.testing.assert_array_equal(table[column].astype(np.float32), fc[name].values.ravel())
    draws = fc["output"].values.reshape(400, 3)
    np.testing.assert_allclose(table["output_q95.level"], np.quantile(draws, 0.95, axis=0), rtol=1e-6)
    again = dl.from_csv(tmp_path / "f.csv", time="day", outputs=["level"], units={"t": "d"})
    np.testing.assert_array_equal(again["output"].values.ravel(), table["level"])
    assert again["t"].attrs["origin"].startswith("2024-01-31")


def test_a_forecast_of_several_runs_as_csv(call, folder, tmp_path):
    call("forecast", folder / "arx.dyn", folder / "runs.nc", "--context", 110, "-o", tmp_path / "f.csv")
    table, ds = pd.read_csv(tmp_path / "f.csv"), dl.read(folder / "runs.nc")
    assert table.groupby("trajectory").size().tolist() == [10, 10, 10]
    again = dl.from_csv(
        tmp_path / "f.csv", time="t", outputs=["position_1"], controls=["force"], trajectory="trajectory"
    )
    np.testing.assert_array_equal(again["t"], ds["t"].isel(time=slice(110, None)))
    np.testing.assert_allclose(again["control"], ds["control"].isel(time=slice(110, None)))


def test_impute_fills_what_is_missing_and_nothing_else(call, days, tmp_path):
    arguments = [days / "walk.dyn", days / "days.csv", *DATED]
    done = call(
        "impute", *arguments, "-o", tmp_path / "full.csv", "--plot", tmp_path / "a.png", "--samples", 3
    )
    before, after = pd.read_csv(days / "days.csv"), pd.read_csv(tmp_path / "full.csv")
    assert after["day"].tolist() == before["day"].tolist()
    measured = before["level"].notna()
    np.testing.assert_array_equal(after["level"][measured], before["level"][measured])
    # Of a random walk, a third and two thirds of the way from Friday to Monday.
    friday, saturday, sunday, monday = after["level"][4:8]
    np.testing.assert_allclose(
        [saturday, sunday], friday + (monday - friday) * np.array([1, 2]) / 3, atol=0.02
    )
    assert (after["output_scale.level"] > 0).equals(~measured)
    assert {"output_q05.level", "output_q95.level"} <= set(after.columns)
    assert "2024-01-06" in done.output
    assert "2024-01-05" not in done.output
    assert (tmp_path / "a.png").exists()
    full = call("impute", days / "walk.dyn", tmp_path / "full.csv", *DATED)
    assert "Nothing is missing" in full.output


def test_rows_left_out_of_a_grid_come_back_as_not_measured(call, days, tmp_path):
    """--regularize: the record without its weekends is the one in which they are empty."""
    table = pd.read_csv(days / "days.csv")
    table[table["level"].notna()].to_csv(tmp_path / "left out.csv", index=False)
    arguments = ["impute", days / "walk.dyn", tmp_path / "left out.csv", *DATED, "-o", tmp_path / "a.csv"]
    assert (
        "call ds.dyn.regularize() (--regularize on the command line), or" in call(*arguments, code=2).stderr
    )
    call(*arguments, "--regularize")
    call("impute", days / "walk.dyn", days / "days.csv", *DATED, "-o", tmp_path / "b.csv")
    filled, wanted = pd.read_csv(tmp_path / "a.csv"), pd.read_csv(tmp_path / "b.csv")
    last = int(table["level"].last_valid_index())
    pd.testing.assert_frame_equal(filled, wanted.loc[:last])


def test_filter_and_smooth_are_those_of_the_library(call, days, tmp_path):
    ds = dl.from_csv(days / "days.csv", time="day", outputs=["level"], units={"t": "d"})
    model = dl.load(days / "walk.dyn")
    for verb in ("filter", "smooth"):
        done = call(verb, days / "walk.dyn", days / "days.csv", *DATED, "-o", tmp_path / f"{verb}.csv")
        table, found = pd.read_csv(tmp_path / f"{verb}.csv"), getattr(dl, verb)(model, ds)
        for name in ("state_mean", "state_scale", "output_mean", "output_scale"):
            column = next(c for c in table.columns if c.startswith(name))
            np.testing.assert_allclose(table[column], found[name].values.ravel(), rtol=1e-12)
        assert f"{found['output_mean'].values[0, -1, 0]:.4g}" in done.output
    call("smooth", days / "walk.dyn", days / "days.csv", *DATED, "--samples", 2, "-o", tmp_path / "s.nc")
    assert dl.read(tmp_path / "s.nc").sizes["sample"] == 2


def test_a_method_of_inference_with_a_setting(call, days, tmp_path):
    arguments = [
        days / "walk.dyn",
        days / "days.csv",
        *DATED,
        "--method",
        "particle",
        "--method-set",
        "size=50",
    ]
    call("filter", *arguments, "-o", tmp_path / "p.nc")
    effective = dl.read(tmp_path / "p.nc")["effective_size"]
    assert 1 < float(effective.max()) < 50.01


BAD = {
    "not a state-space model": (
        ["filter", "{folder}/free.dyn", "{folder}/alone.nc"],
        "filter: expected a state-space",
    ),
    "method": (
        ["smooth", "{days}/walk.dyn", "{days}/days.csv", *DATED, "--method", "extendet"],
        "did you mean 'exten",
    ),
    "setting alone": (
        ["impute", "{days}/walk.dyn", "{days}/days.csv", *DATED, "--method-set", "size=5"],
        "--method-set: expected with --method, got 'size' alone",
    ),
    "setting": (
        [
            "filter",
            "{days}/walk.dyn",
            "{days}/days.csv",
            *DATED,
            "--method",
            "particle",
            "--method-set",
            "sise=5",
        ],
        "unknown setting of Particle 'sise'; did you mean 'size'",
    ),
    "suffix": (["filter", "a", "b", "-o", "{days}/a.txt"], "--output: unknown suffix '.txt'"),
    "run": (["filter", "{days}/walk.dyn", "{days}/days.csv", *DATED, "--run", "7"], "unknown run '7'"),
    "other data": (
        ["impute", "{days}/walk.dyn", "{folder}/alone.nc"],
        "the model has ['level'], the data ['y']",
    ),
    "criterion": (["identify", "laser", "-o", "{days}/m.dyn", "--criterion", "bick"], "did you mean 'bic'"),
    "method of identify": (
        ["identify", "laser", "-o", "{days}/m.dyn", "--method", "subspase"],
        "did you mean 'subspace'",
    ),
    "states twice": (
        ["identify", "laser", "-o", "{days}/m.dyn", "--states", 2, "--max-states", 3],
        "--states, --max-states: expected one of them, got both",
    ),
    "too short to score": (
        ["identify", "{days}/days.csv", *DATED, "-o", "{days}/m.dyn", "--context", 50],
        "the longest run to score on has 4 samples, 50 + at least 1 are needed",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_errors(call, folder, days, case):
    arguments, expected = BAD[case]
    result = call(*(str(a).format(folder=folder, days=days) for a in arguments), code=2)
    assert expected in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.slow
def test_identify_finds_how_many_states_there_are(call, tmp_path):
    ds = dl.datasets.load("linear", runs=6, length=80, measurement_noise=0.05, key=0)
    dl.write(ds.drop_dims("state_name"), tmp_path / "runs.nc")
    done = call(
        "identify", tmp_path / "runs.nc", "-o", tmp_path / "m.dyn", "--max-states", 5, "--split-by", "trajectory",
        "--samples", 10,
    )  # fmt: skip
    assert "4 states by bic" in done.output
    assert "persistence" in done.output
    model = dl.load(tmp_path / "m.dyn")
    assert len(model.state_names) == 4
    shown = call("evaluate", tmp_path / "m.dyn", tmp_path / "runs.nc", "--samples", 10).output
    assert "windows of 26 + 54 samples" in shown


def test_instants_in_utc_come_out_as_such(tmp_path):
    from dynlearn.cli.shared.files import write_dataset

    summer = "t,y\n2024-10-27T02:30:00.5+02:00,1\n2024-10-27T02:30:00.5+01:00,2\n"
    (tmp_path / "a.csv").write_text(summer)
    ds = dl.from_csv(tmp_path / "a.csv", time="t", outputs=["y"])
    write_dataset(ds, tmp_path / "b.csv")
    assert pd.read_csv(tmp_path / "b.csv")["t"].tolist() == [
        "2024-10-27T00:30:00.5Z",
        "2024-10-27T01:30:00.5Z",
    ]
    assert dl.from_csv(tmp_path / "b.csv", time="t", outputs=["y"]).identical(ds)


def test_regimes_have_a_column_each(tmp_path):
    import xarray as xr

    from dynlearn.cli.shared.csv import write_csv

    ds = dl.from_arrays([[[0.0], [1.0]]], dt=1.0, output_names=["y"]).assign_coords(
        regime_name=["calm", "wild"], regime=(("trajectory", "time"), [["calm", "wild"]])
    )
    ds["regime_probability"] = xr.DataArray(
        [[[0.9, 0.1], [0.2, 0.8]]], dims=("trajectory", "time", "regime_name")
    )
    write_csv(ds, tmp_path / "r.csv")
    table = pd.read_csv(tmp_path / "r.csv")
    assert table["regime_probability.wild"].tolist() == [0.1, 0.8]
    assert table["regime"].tolist() == ["calm", "wild"]
