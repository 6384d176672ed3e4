"""netCDF, zarr and pandas lose nothing."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings

from dynlearn.errors import FileFormatError
from dynlearn.trajectories import from_arrays, from_frame, from_gymnasium, read, schema, to_frame, write
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.files import stores
from dynlearn.trajectories.verbs.gather import with_own_times

from .strategies import trajectories

few = settings(max_examples=12, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def episodes():
    return from_gymnasium("Pendulum-v1", episodes=2, max_steps=4, units={"t": "s", "reward": "1"})


@few
@given(trajectories())
def test_netcdf(ds):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.nc"
        write(ds, path)
        assert read(path).identical(ds)
        assert [p.name for p in Path(folder).iterdir()] == ["runs.nc"]


@few
@given(trajectories())
def test_plain_xarray_netcdf(ds):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.nc"
        ds.to_netcdf(path, engine="h5netcdf")
        with xr.open_dataset(path, engine="h5netcdf") as back:
            assert back.identical(ds)
            validate(back)


@few
@given(trajectories())
def test_zarr(ds):
    pytest.importorskip("zarr")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.zarr"
        write(ds, path)
        write(ds, path)  # replaces
        assert read(path).identical(ds)
        lazy = read(path, lazy=True)
        assert lazy["output"].chunks is not None
        assert lazy.dyn.split is not None
        assert [p.name for p in Path(folder).iterdir()] == ["runs.zarr"]


@settings(few, max_examples=40)
@given(trajectories())
def test_pandas(ds):
    assert from_frame(to_frame(ds)).identical(with_own_times(ds))


def test_pandas_with_shuffled_runs(episodes):
    mixed = to_frame(episodes).sort_values("t", kind="stable")
    assert from_frame(mixed).identical(episodes)


def test_episodes_through_every_format(episodes, tmp_path):
    for suffix in (".nc", ".zarr"):
        write(episodes, tmp_path / f"runs{suffix}")
        back = read(tmp_path / f"runs{suffix}")
        assert back.identical(episodes)
        assert back["terminated"].dtype == bool
    assert from_frame(to_frame(episodes)).identical(episodes)


def test_csv(tmp_path):
    ds = from_arrays([np.array([0.1, np.nan, 0.3]), np.array([1 / 3])], dt=0.1, units={"y0": "m", "t": "s"})
    to_frame(ds).to_csv(tmp_path / "runs.csv", index=False)
    roles = {"time": "t", "outputs": ["y0"], "trajectory": "trajectory", "units": {"y0": "m", "t": "s"}}
    assert read(tmp_path / "runs.csv", **roles).identical(ds)


def test_a_store_of_much_padding_comes_back(tmp_path, monkeypatch):
    """One long run beside short ones: what padding compresses to is far below what a file of others may claim."""
    monkeypatch.setattr(stores, "FREE", 0)
    ds = from_arrays([np.zeros(4000), *[np.ones(2)] * 99], dt=1.0)
    write(ds, tmp_path / "a.zarr")
    size = sum(file.stat().st_size for file in (tmp_path / "a.zarr").rglob("*") if file.is_file())
    monkeypatch.setattr(stores, "RATIO", 0.9 * ds.nbytes / size)
    assert read(tmp_path / "a.zarr").identical(ds)
    (tmp_path / "a.zarr" / stores.LISTING).unlink()
    with pytest.raises(FileFormatError, match="bytes of values in a file of"):
        read(tmp_path / "a.zarr")


def test_float32_and_fixed_width_text_survive(tmp_path):
    ds = from_arrays(np.ones((3, 2), np.float32), dt=0.1)
    ds = ds.assign_coords(output_name=np.array(["a", "b"]))
    for suffix in (".nc", ".zarr"):
        write(ds, tmp_path / f"a{suffix}")
        back = read(tmp_path / f"a{suffix}")
        assert back["output"].dtype == np.float32
        assert back.identical(ds)
    assert from_frame(to_frame(ds)).identical(ds)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    ds = from_arrays(np.zeros(3), dt=0.1)
    write(ds, tmp_path / "runs.nc")
    before = (tmp_path / "runs.nc").read_bytes()

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", fail)
    with pytest.raises(OSError, match="disk full"):
        write(ds, tmp_path / "runs.nc")
    assert [p.name for p in tmp_path.iterdir()] == ["runs.nc"]
    assert (tmp_path / "runs.nc").read_bytes() == before


def test_a_folder_that_is_no_store_is_not_replaced(tmp_path):
    (tmp_path / "runs.zarr").mkdir()
    (tmp_path / "runs.zarr" / "thesis.txt").write_text("years of work")
    with pytest.raises(FileFormatError, match="another folder"):
        write(from_arrays(np.zeros(3), dt=0.1), tmp_path / "runs.zarr")
    assert (tmp_path / "runs.zarr" / "thesis.txt").exists()


def test_csv_with_dates(tmp_path):
    (tmp_path / "log.csv").write_text("when,y\n2024-03-01T10:00:00,1\n2024-03-01T10:00:02.5,2\n")
    ds = read(tmp_path / "log.csv", time="when", outputs=["y"])
    assert ds.t.values.tolist() == [[0.0, 2.5]]
    assert ds.t.attrs == {"units": "s", "origin": "2024-03-01T10:00:00.000000000"}


def test_dates_keep_their_origin(tmp_path):
    table = pd.DataFrame(
        {"when": pd.date_range("2024-03-01", periods=4, freq="30min", tz="CET"), "y": range(4)}
    )
    ds = from_frame(table, time="when", outputs=["y"], units={"t": "h"})
    np.testing.assert_array_equal(ds.t.values[0], [0, 0.5, 1, 1.5])
    assert ds.t.attrs == {"units": "h", "origin": "2024-02-29T23:00:00.000000000Z"}
    write(ds, tmp_path / "a.nc")
    assert read(tmp_path / "a.nc").identical(ds)


def test_a_frame_keeps_states_where_the_true_ones_are_not_known():
    ds = from_arrays(np.zeros((3, 1)), dt=1.0, output_names=["y"]).assign_coords(
        state_name=schema.strings(["level", "slope"]), state_unit=("state_name", schema.strings(["m", "m/s"]))
    )
    ds["state_mean"] = (("trajectory", "time", "state_name"), np.arange(6.0).reshape(1, 3, 2))
    frame = to_frame(ds)
    assert frame["state_mean.slope"].tolist() == [1.0, 3.0, 5.0]
    assert from_frame(frame).identical(ds)
