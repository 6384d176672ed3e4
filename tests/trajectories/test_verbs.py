"""Single facts about the constructors and verbs, with the numbers written out."""

import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dynlearn.trajectories import from_arrays, from_frame, to_frame
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.schema import hold, names, run_lengths, time_unit, units

NAN = np.nan


def test_importing_stays_light():
    heavy = "jax torch matplotlib gymnasium rich dask zarr h5netcdf"
    code = f"import sys, dynlearn.trajectories; print([m for m in '{heavy}'.split() if m in sys.modules])"
    path = ":".join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": path}
    )
    assert done.stdout.strip() in ("[]", "['jax']"), (
        done.stderr
    )  # jax where `import dynlearn` itself wants it


@pytest.mark.parametrize("outputs", [np.zeros(3), np.zeros((3, 1)), np.zeros((1, 3, 1)), [np.zeros(3)]])
def test_one_run_in_every_form(outputs):
    ds = from_arrays(outputs, dt=0.1)
    assert dict(ds.sizes) == {"trajectory": 1, "time": 3, "output_name": 1}


def test_times_in_every_form():
    y = np.zeros((2, 3, 1))
    shared = from_arrays(y, times=[0, 1, 3])
    assert shared.t.values.tolist() == [[0, 1, 3], [0, 1, 3]]
    assert from_arrays(y, times=[[0, 1, 3], [0, 1, 3]]).identical(shared)
    y[1, 2] = NAN
    padded = from_arrays(y, times=np.array([[0, 1, 3], [0, 1, NAN]]))
    assert padded.dyn.lengths.tolist() == [3, 2]


def test_a_grid_is_never_accumulated():
    t = from_arrays(np.zeros(1000), dt=0.1).t.values[0]
    np.testing.assert_array_equal(t, 0.1 * np.arange(1000))


def test_helpers():
    ds = from_arrays(
        [np.zeros((3, 2)), np.zeros((2, 2))], [np.zeros(3), np.zeros(2)], dt=1, units={"t": "h", "u0": "V"}
    )
    assert names(ds) == ("y0", "y1")
    assert names(ds, "static") == ()
    assert units(ds, "control") == ("V",)
    assert (time_unit(ds), hold(ds), run_lengths(ds).tolist()) == ("h", "zero", [3, 2])
    assert units(ds.drop_vars("control_unit"), "control") == ("",)


def test_dates_become_seconds():
    ds = from_arrays(np.zeros(3), times=np.array(["2024-01-01", "2024-01-02", "2024-01-04"], "datetime64[D]"))
    assert ds.t.values.tolist() == [[0, 86400, 3 * 86400]]
    assert ds.t.attrs == {"units": "s", "origin": "2024-01-01T00:00:00.000000000"}


def test_large_values_are_not_read_before_they_are_needed():
    array = pytest.importorskip("dask.array")
    bad = from_arrays(np.zeros((4, 1)), dt=1.0).copy(deep=True)
    bad["output"] = bad["output"].copy(data=array.from_array(np.array([[[0.0], [np.inf], [0], [0]]])))
    validate(bad)
    with pytest.raises(ValueError, match="finite values"):
        bad.dyn.to_device()


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0, 0.1, 0.2, 0.3], (0.1, True, True, 0.1)),
        ([0, 0.1, 0.20005, 0.3], (0.1, True, True, 0.1)),  # jitter below RTOL
        ([0, 0.1, 0.4, 0.5], (None, False, True, 0.1)),
        ([0, 0.1, 0.27, 0.3], (None, False, False, None)),
        ([1e9, 1e9 + 1, 1e9 + 2, 1e9 + 3], (1.0, True, True, 1.0)),
    ],
)
def test_sampling(times, expected):
    s = from_arrays(np.zeros(4), times=times).dyn.sampling()
    assert (s.interval, s.regular, s.lattice, s.step) == expected


def test_the_typical_interval_is_the_median():
    found = from_arrays(np.zeros(4), times=[0.0, 1.0, 2.0, 10.0]).dyn.sampling()
    assert (found.smallest, found.typical, found.largest) == (1.0, 1.0, 8.0)


def test_sampling_of_single_samples():
    s = from_arrays([np.zeros(1), np.zeros(1)], dt=1.0).dyn.sampling()
    assert (s.interval, s.smallest, s.regular, s.lattice) == (None, None, False, False)


def test_resample_respects_gaps_and_holds():
    y = np.array([0.0, 1.0, NAN, 3.0, 9.0])
    ds = from_arrays(y, np.array([1.0, 2.0, 3.0, 4.0, NAN]), times=[0.0, 1.0, 2.0, 3.0, 9.0])
    new = ds.dyn.resample(0.5, max_gap=2.0)
    np.testing.assert_allclose(new["output"].values[0, :8, 0], [0, 0.5, 1, 1.5, 2, 2.5, 3, NAN])
    assert np.isnan(new["output"].values[0, 7:18, 0]).all()  # the gap from 3 to 9 is longer than 2
    assert new["output"].values[0, 18, 0] == 9
    assert new["control"].values[0, [0, 1, 2, 3, 17], 0].tolist() == [1, 1, 2, 2, 4]
    assert np.isnan(new["control"].values[0, 18, 0])
    held = ds.dyn.resample(0.5, "previous", max_gap=math.inf)
    assert held["output"].values[0, [3, 5, 17, 18], 0].tolist() == [1, 1, 3, 9]


@pytest.mark.parametrize(("last", "bridged"), [(4.0, [2.5, 3.0, 3.5]), (4.5, [NAN] * 4)])
def test_resample_bridges_twice_the_larger_of_step_and_median_interval(last, bridged):
    new = from_arrays(np.array([0.0, 1.0, 2.0, last]), times=[0.0, 1.0, 2.0, last]).dyn.resample(0.5)
    np.testing.assert_array_equal(new["output"].values[0, 5:-1, 0], bridged)


def test_regularize_interpolates_a_linear_control():
    ds = from_arrays(np.zeros(3), np.array([0.0, 1.0, 3.0]), times=[0.0, 1.0, 3.0], hold="linear")
    assert ds.dyn.regularize().control.values[0, :, 0].tolist() == [0, 1, 2, 3]


def test_regularize_follows_a_drifting_clock():
    t = np.concatenate([np.arange(1000) * 1.0, 5000.0003 + np.arange(10) * 1.0001])
    full = from_arrays(np.arange(1010.0), times=t).dyn.regularize()
    assert full.sizes["time"] == 5010
    assert full["output"].values[0, 5000, 0] == 1000


def test_split_with_a_jax_key():
    jax = pytest.importorskip("jax")
    ds = from_arrays(np.zeros((9, 2, 1)), dt=1.0)
    parts = ds.dyn.split(0.5, 0.25, by="trajectory", key=jax.random.key(1))
    again = ds.dyn.split(0.5, 0.25, by="trajectory", key=jax.random.key(1))
    assert [p.dyn.n_runs for p in parts] == [4, 3, 2]
    assert parts[0].identical(again[0])


@pytest.mark.parametrize(
    ("fractions", "sizes"),
    [
        ((), [14, 3, 3]),
        ((0.5, 0.25), [10, 5, 5]),
        ((0.8,), [16, 4]),
        ((0.85, 0.15), [17, 3]),
        ((0.7, 0.3), [14, 6]),
        ((0.9, 0.1), [18, 2]),
    ],
)
def test_two_or_three_parts(fractions, sizes):
    ds = from_arrays(np.arange(20.0), dt=1.0)
    parts = ds.dyn.split(*fractions)
    assert [part.sizes["time"] for part in parts] == sizes
    assert np.concatenate([part["output"].values.ravel() for part in parts]).tolist() == list(range(20))
    runs = from_arrays(np.arange(20.0)[:, None, None], dt=1.0).dyn.split(*fractions, by="trajectory", key=1)
    assert [part.dyn.n_runs for part in runs] == sizes
    assert sorted(i for part in runs for i in part.trajectory.values) == list(range(20))


def test_windows_may_leave_short_runs_out():
    ds = from_arrays([np.zeros(4), np.zeros(2)], dt=1.0, runs=["a", "b"])
    assert ds.dyn.windows(3, short="drop").trajectory.values.tolist() == ["a/0", "a/1"]
    again = ds.dyn.windows(3, short="drop").dyn.windows(2)
    assert again.source.values.tolist() == ["a"] * 4
    assert again.trajectory.values.tolist() == ["a/0/0", "a/0/1", "a/1/0", "a/1/1"]


def test_selection_without_copy():
    ds = from_arrays(np.zeros((2, 100, 1)), dt=1.0)
    assert np.shares_memory(ds.dyn.before(50)["output"].values, ds["output"].values)


def test_device_window_of_a_ragged_run():
    ds = from_arrays(
        [np.array([1.0, NAN, 3.0]), np.array([4.0])], [np.array([1.0, 2.0, NAN]), np.array([NAN])], dt=0.5
    )
    window = ds.dyn.to_device("float32")
    assert window.output[..., 0].tolist() == [[1, 0, 3], [4, 0, 0]]
    assert window.observed[..., 0].tolist() == [[True, False, True], [True, False, False]]
    assert window.control[..., 0].tolist() == [[1, 2, 0], [0, 0, 0]]
    assert window.interval.tolist() == [[0.5, 0.5, 0], [0, 0, 0]]
    assert window.time.tolist() == [[0, 0.5, 1], [0, 0, 0]]
    assert window.output.dtype == "float32"


def test_intervals_are_differenced_before_rounding():
    t = 1.7e9 + 0.1 * np.arange(5)
    window = from_arrays(np.zeros(5), times=t).dyn.to_device("float32")
    np.testing.assert_allclose(np.asarray(window.interval)[0, :-1], 0.1, rtol=1e-5)


def test_table_columns_of_equal_names():
    ds = from_arrays(
        np.zeros((2, 2)), dt=1.0, output_names=["x", "t"], states=np.ones((2, 1)), state_names=["x"]
    )
    assert list(to_frame(ds).columns) == ["trajectory", "t", "x", "output.t", "state.x"]
    assert from_frame(to_frame(ds)).identical(ds)


def test_table_keeps_extra_variables():
    ds = from_arrays([np.zeros((2, 2)), np.zeros((1, 2))], dt=1.0)
    ds = ds.assign(output_scale=(ds["output"].dims, ds["output"].values + 1, {"note": "spread"}))
    ds = ds.assign_coords(source=("trajectory", np.array(["p", "q"], dtype=object)))
    assert from_frame(to_frame(validate(ds))).identical(ds)


def test_table_with_missing_values_of_nullable_types():
    table = pd.DataFrame({"y": pd.array([1, None, 3], dtype="Int64"), "on": [True, False, True]})
    ds = from_frame(table, dt=2.0, outputs=["y"], controls=["on"])
    np.testing.assert_array_equal(ds["output"].values[0, :, 0], [1, NAN, 3])
    assert ds.control.values[0, :, 0].tolist() == [1, 0, 1]


def test_forecasts_with_samples_are_valid():
    ds = from_arrays([np.zeros((3, 2)), np.zeros((2, 2))], dt=1.0)
    forecast = validate(ds.assign(output=ds["output"].expand_dims(sample=5)))
    assert forecast.dyn.before(1.5)["output"].sizes["time"] == 2
    assert forecast.dyn.windows(2)["output"].sizes["sample"] == 5
    assert forecast.dyn.resample(0.5)["output"].sizes["time"] == 5
    assert forecast.dyn.describe().channels.loc["y0", "samples"] == 25


def test_description_prints_what_matters():
    ds = from_arrays(
        [np.array([1.0, NAN]), np.ones(3)], dt=0.5, units={"t": "s", "y0": "°C"}, output_names=["y0"]
    )
    text = str(ds.dyn.describe())
    for part in ("2 runs of 2 to 3 samples", "every 0.5 s", "°C", "20"):
        assert part in text
    assert "<table" in ds.dyn.describe()._repr_html_()


def test_the_accessor_checks_the_schema():
    with pytest.raises(ValueError, match="dynlearn_schema"):
        _ = xr.Dataset({"a": 1}).dyn
