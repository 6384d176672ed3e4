"""Every command on tiny data, from every kind of file."""

import numpy as np
import pytest
import xarray as xr

import dynlearn as dl

CSV = ["--time", "t", "--outputs", "position_1", "--controls", "force", "--trajectory", "trajectory"]
SHORT = ["--context", 10, "--horizon", 5, "--samples", 10]


def test_datasets_lists_shows_and_exports(call, tmp_path):
    listed = call("datasets").output
    assert all(name in listed for name in dl.datasets.names())
    assert "lorenz63" not in call("datasets", "--kind", "measured").output
    shown = call("datasets", "elnino", "--export", tmp_path / "elnino.nc").output
    assert "public domain" in shown
    assert "731 samples" in shown or "elnino.nc" in shown
    assert dl.read(tmp_path / "elnino.nc").identical(dl.datasets.load("elnino"))


@pytest.mark.parametrize("suffix", [".csv", ".zarr"])
def test_datasets_export_of_a_simulated_system(call, tmp_path, suffix):
    path = tmp_path / f"tank{suffix}"
    call("datasets", "linear", "--set", "runs=2", "--set", "length=30", "--export", path)
    options = (
        {} if suffix == ".zarr" else {"time": "t", "outputs": ["position_1"], "trajectory": "trajectory"}
    )
    assert dl.read(path, **options).dyn.lengths.tolist() == [30, 30]


@pytest.mark.parametrize(
    "name", ["runs.csv", *(pytest.param(name, marks=pytest.mark.slow) for name in ("runs.nc", "runs.zarr"))]
)
def test_fit_reads_every_kind_of_file(call, folder, tmp_path, name):
    columns = CSV if name.endswith(".csv") else []
    done = call(
        "fit",
        folder / name,
        "-o",
        tmp_path / "m.dyn",
        "--model",
        "Koopman",
        "--set",
        "lifting=identity",
        *columns,
        *SHORT,
    )
    assert "persistence" in done.output
    assert "Solved in closed form" in done.output
    assert isinstance(dl.load(tmp_path / "m.dyn"), dl.models.Koopman)


def test_fit_settings_reach_model_and_method(call, folder, tmp_path):
    settings = ["width=8", "hidden=1", "solver=euler", "solver.substeps=2"]
    call(
        "fit", folder / "runs.nc", "-o", tmp_path / "m.dyn", "--model", "NeuralODE", "--members", 2,
        *(part for s in settings for part in ("--set", s)), "--steps", 4, "--method-set", "batch=4",
        "--method-set", "horizon=3", "--checkpoint", tmp_path / "fit.ckpt", "--report", tmp_path / "fit.html",
        *SHORT,
    )  # fmt: skip
    model = dl.load(tmp_path / "m.dyn")
    assert isinstance(model, dl.models.Ensemble)
    assert model.size == 2
    assert model.members.hidden == 1
    assert model.members.solver == dl.solvers.FixedStep("euler", 2)
    assert (tmp_path / "fit.ckpt").exists()
    page = (tmp_path / "fit.html").read_text()
    assert "persistence" in page
    assert "hidden" in page


def test_fit_of_a_dictionary_with_options(call, folder, tmp_path):
    settings = ["--set", "lifting=fourier", "--set", "lifting.count=7", "--set", "lifting.delays=2"]
    call("fit", folder / "runs.nc", "-o", tmp_path / "m.dyn", "--model", "Koopman", *settings, *SHORT)
    dictionary = dl.load(tmp_path / "m.dyn").dictionary
    assert (dictionary.count, dictionary.delays) == (7, 2)


def test_fit_to_the_beginning_of_the_runs(call, folder, tmp_path):
    arguments = [
        "--model",
        "Persistence",
        "--until",
        60,
        "--split",
        "0.4,0.3",
        "--context",
        5,
        "--horizon",
        5,
    ]
    shown = call("fit", folder / "runs.nc", "-o", tmp_path / "m.dyn", *arguments).output
    assert "3 runs of 60 samples" in shown


def test_forecast_of_the_future(call, folder, tmp_path):
    target = tmp_path / "fc.nc"
    done = call(
        "forecast", folder / "free.dyn", folder / "alone.nc", "--horizon", 6, "-o", target, "--samples", 20
    )
    fc = dl.read(target)
    assert dict(fc["output"].sizes) == {"sample": 20, "trajectory": 1, "time": 6, "output_name": 1}
    np.testing.assert_allclose(fc["t"].values[0], 75 + 0.5 * np.arange(6))
    assert "y (m)" in done.output


def test_forecast_of_a_record_beside_what_happened(call, folder, tmp_path):
    figure = tmp_path / "fan.png"
    arguments = ["forecast", folder / "arx.dyn", folder / "runs.nc", "--context", 100, "--plot", figure]
    call(*arguments, "-o", tmp_path / "a.nc")
    assert figure.read_bytes().startswith(b"\x89PNG")
    fc, ds = dl.read(tmp_path / "a.nc"), dl.read(folder / "runs.nc")
    np.testing.assert_array_equal(fc["t"], ds["t"].isel(time=slice(100, None)))
    np.testing.assert_array_equal(fc["control"], ds["control"].isel(time=slice(100, None)))
    call(*arguments, "-o", tmp_path / "b.nc", "--run", 1, "--horizon", 5)
    np.testing.assert_allclose(dl.read(tmp_path / "b.nc")["output_mean"], fc["output_mean"][[1], :5])


def test_forecast_with_controls_from_another_file(call, folder, tmp_path):
    ds = dl.read(folder / "runs.nc")
    later = ds.assign_coords(t=ds["t"] + float(ds["t"].max()) + ds.dyn.sampling().interval)
    dl.write(later.assign_coords(t=later["t"].assign_attrs(ds["t"].attrs)), tmp_path / "later.nc")
    arguments = ["--horizon", 5, "--future", tmp_path / "later.nc", *CSV]
    call("forecast", folder / "arx.dyn", folder / "runs.csv", *arguments, "-o", tmp_path / "a.zarr")
    fc = dl.read(tmp_path / "a.zarr")
    np.testing.assert_array_equal(fc["control"], dl.read(folder / "runs.nc")["control"].isel(time=slice(5)))


def test_evaluate_and_compare_write_the_scores_they_show(call, folder, tmp_path):
    one = call("evaluate", folder / "arx.dyn", folder / "runs.nc", *SHORT, "-o", tmp_path / "one.nc")
    assert "fitted on test" in one.output
    several = [f"first={folder / 'arx.dyn'}", f"second={folder / 'arx.dyn'}"]
    train = ["--train", folder / "runs.nc"]
    two = call("compare", *several, folder / "runs.nc", *train, *SHORT, "-o", tmp_path / "two.nc")
    assert "fitted on train" in two.output
    scores = xr.load_dataset(tmp_path / "two.nc", engine="h5netcdf")
    assert scores["model"].values.tolist() == ["first", "second", "persistence", "context tiling", "ARX"]
    np.testing.assert_array_equal(scores["rmse"].sel(model="first"), scores["rmse"].sel(model="second"))
    assert xr.load_dataset(tmp_path / "one.nc", engine="h5netcdf")["model"].values[0] == "arx"


@pytest.fixture(scope="module")
def pendulum(tmp_path_factory):
    ds = dl.from_gymnasium("Pendulum-v1", episodes=3, max_steps=40, units={"t": "s"})
    path = tmp_path_factory.mktemp("pendulum") / "model.dyn"
    dl.save(dl.fit(dl.models.Koopman.from_data(ds), ds, progress=False).model, path)
    return path


def test_control_writes_the_runs_it_shows(call, pendulum, tmp_path):
    done = call(
        "control", pendulum, "--env", "Pendulum-v1", "--weight", "y0=1", "--target", "y0=1",
        "--control-weight", 0.01, "--horizon", 4, "--candidates", 24, "--iterations", 1,
        "--episodes", 2, "--seed", 7, "--max-steps", 6,
        "-o", tmp_path / "runs.nc", "--plot", tmp_path / "runs.svg",
    )  # fmt: skip
    runs = dl.read(tmp_path / "runs.nc")
    assert runs.dyn.lengths.tolist() == [7, 7]
    assert f"{runs['reward'].sum('time').values.mean():.4g}" in done.output
    assert "ms per action" in done.output
    assert (tmp_path / "runs.svg").exists()


def test_separator_and_decimal_comma_on_the_command_line(tmp_path):
    from dynlearn.cli.shared.data import Table, open_data

    (tmp_path / "a.csv").write_text("t\ty\n0\t1,500\n1\t2,500\n")
    ds = open_data(str(tmp_path / "a.csv"), Table(time="t", outputs="y", sep="\\t", decimal=","))
    assert ds["output"].values.ravel().tolist() == [1.5, 2.5]
