# ruff: noqa: E501  (a table reads better with its rows on one line)
"""Every kind of bad input, and the words the user gets."""

import re
from collections.abc import Callable
from typing import NamedTuple

import gymnasium
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dynlearn.errors import ArgumentError, FileFormatError, MissingFileError, SchemaError
from dynlearn.trajectories import from_arrays, from_frame, from_gymnasium, read, to_frame, write
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.schema import names
from dynlearn.trajectories.verbs.concatenate import concatenate

NAN, INF = np.nan, np.inf
Y = np.arange(6.0).reshape(3, 2)
U = np.ones((3, 1))


def good(**options) -> xr.Dataset:
    return from_arrays([Y, Y[:2]], [U, U[:2]], dt=0.1, runs=["a", "b"], **options)


def frame(**columns) -> pd.DataFrame:
    return pd.DataFrame({"run": ["a", "a", "b"], "t": [0.0, 0.1, 0.0], "y": [1.0, 2.0, 3.0], **columns})


def framed(table: pd.DataFrame | None = None, **options) -> xr.Dataset:
    given = {"time": "t", "outputs": ["y"], "trajectory": "run"} | options
    return from_frame(frame() if table is None else table, **given)


def altered(name: str, index: tuple, value: float) -> xr.Dataset:
    ds = good().copy(deep=True)
    ds[name].values[index] = value
    return ds


def dyn(verb: str, *args, **options) -> Callable:
    return lambda: getattr(good().dyn, verb)(*args, **options)


class Space(gymnasium.Env):
    """An environment with the spaces it is given."""

    def __init__(self, observation=None, action=None):
        self.observation_space = observation or gymnasium.spaces.Box(-1, 1, (2,))
        self.action_space = action or gymnasium.spaces.Box(-1, 1, (1,))

    def reset(self, *, seed=None, options=None):
        return np.zeros(2), {}

    def step(self, action):
        return np.zeros(2), 0.0, False, False, {}


class Row(NamedTuple):
    id: str
    call: Callable
    error: type[Exception]
    message: str


BAD_INPUT = [
    # from_arrays
    Row("no times", lambda: from_arrays(Y), ArgumentError, "times, dt: expected exactly one.*neither.*dt=0.1"),
    Row("times and dt", lambda: from_arrays(Y, times=[0, 1, 2], dt=1.0), ArgumentError, "exactly one.*both"),
    Row("negative dt", lambda: from_arrays(Y, dt=-0.1), ArgumentError, r"dt: expected a positive.*got -0\.1"),
    Row("dt as text", lambda: from_arrays(Y, dt="0.1"), ArgumentError, "dt: expected a positive.*got '0.1'"),
    Row("text outputs", lambda: from_arrays(np.array(["a"]), dt=1.0), ArgumentError, "outputs: expected numbers"),
    Row("object outputs", lambda: from_arrays(Y.astype(object), dt=1.0), ArgumentError, "dtype object.*to_numeric"),
    Row("complex outputs", lambda: from_arrays(Y + 1j, dt=1.0), ArgumentError, "numbers, got dtype complex128"),
    Row("integers beyond float64", lambda: from_arrays(np.array([[2**60], [2**60 + 1]]), dt=1.0), ArgumentError, r"integers up to 2\*\*53.*got 1152921504606846977; subtract an offset"),
    Row("masked outputs", lambda: from_arrays(np.ma.array(Y), dt=1.0), ArgumentError, r"masked.*filled\(numpy.nan"),
    Row("4-D outputs", lambda: from_arrays(np.zeros((1,) * 4), dt=1.0), ArgumentError, "1, 2 or 3 dimensions"),
    Row("list of numbers", lambda: from_arrays([1.0, 2.0], dt=1.0), ArgumentError, "a list with one array.*asarray"),
    Row("no runs", lambda: from_arrays([], dt=1.0), ArgumentError, "a list with one array"),
    Row("other widths", lambda: from_arrays([Y, Y[:, :1]], dt=1.0), ArgumentError, r"as many columns.*\[1, 2\]"),
    Row("an empty run", lambda: from_arrays([Y, Y[:0]], dt=1.0), SchemaError, "at least one sample.*run 1"),
    Row("too few controls", lambda: from_arrays(Y, U[:2], dt=1.0), ArgumentError, r"controls: .*\[3\].*add a last row"),
    Row("controls without run axis", lambda: from_arrays(Y[None], U, dt=1.0), ArgumentError, "one array per run"),
    Row("wrong static", lambda: from_arrays([Y, Y], dt=1.0, static=[1.0, 2.0]), ArgumentError, r"shape \(2, static\)"),
    Row("too many times", lambda: from_arrays(Y, times=np.arange(4)), ArgumentError, r"times: .*\[3\], got \[\(4,\)\]"),
    Row("times as text", lambda: from_arrays(Y, times=np.array(list("abc"))), ArgumentError, "times: .*to_datetime"),
    Row("unit of dates", lambda: from_arrays(Y, times=pd.date_range("2024", periods=3), units={"t": "hr"}),
        ArgumentError, "unknown time unit for dates 'hr'.*'h'"),
    Row("names and columns", lambda: from_arrays(Y, dt=1.0, output_names=["a"]), ArgumentError, "a list of 2 names"),
    Row("names without controls", lambda: from_arrays(Y, dt=1.0, control_names=["u"]), ArgumentError, "pass the values"),
    Row("same names", lambda: from_arrays(Y, dt=1.0, output_names=["a", "a"]), ArgumentError, "output names: expected unique ones, got 'a' more"),
    Row("unit of nothing", lambda: good(units={"y2": "m"}), ArgumentError, "unknown name 'y2'; did you mean 'y"),
    Row("unit not text", lambda: good(units={"y0": 1}), ArgumentError, r"units\['y0'\]: expected a string"),
    Row("unknown hold", lambda: good(hold="first"), ArgumentError, "unknown hold 'first'.*'zero', 'linear'"),
    Row("too few ids", lambda: from_arrays(Y, dt=1.0, runs=["a", "b"]), ArgumentError, "runs: expected 1 ids"),
    Row("duplicate ids", lambda: from_arrays([Y, Y], dt=1.0, runs=["a", "a"]), ArgumentError, "run ids: expected unique ones, got 'a' more.*name each of them once"),
    Row("ids of numbers", lambda: from_arrays([Y, Y], dt=1.0, runs=[0.5, 1.5]), ArgumentError, r"run ids: expected integers or strings, got dtype float64.*astype\(str"),
    Row("a column twice", lambda: framed(outputs=["y", "y"]), ArgumentError, "output names: expected unique ones, got 'y' more.*name each of them once"),
    Row("a list as the time", lambda: framed(time=["t"]), ArgumentError, r"time: expected the name of a column, got \['t'\]; pass e\.g\. \"t\""),
    Row("a list as the run", lambda: framed(trajectory=["run"]), ArgumentError, r"trajectory: expected the name of a column, got \['run'\]"),
    Row("a set of outputs", lambda: framed(outputs={"y"}), ArgumentError, r"outputs: expected a list of columns, got \{'y'\}"),
    Row("a list within outputs", lambda: framed(outputs=[["y"]]), ArgumentError, r"outputs: expected the name of a column, got \['y'\]"),
    Row("one reward for several runs", lambda: good(reward=1.0), ArgumentError, "reward: expected an entry per sample of every run, got 1.0; pass a list"),
    # values against the schema
    Row("times repeat", lambda: from_arrays(Y, times=[0.0, 1.0, 1.0]), SchemaError,
        r"t: expected strictly increasing.*run 0, sample 2, t = 1; sort"),
    Row("time NaN inside", lambda: from_arrays(Y, times=[0.0, NAN, 1.0]), SchemaError, "NaN only after the end"),
    Row("time inf", lambda: from_arrays(Y, times=[0.0, 1.0, INF]), SchemaError, "t: expected finite instants"),
    Row("output inf", lambda: altered("output", (0, 1, 1), INF), SchemaError, r"got \[ 2. inf\] at run 'a', sample 1"),
    Row("control NaN", lambda: altered("control", (0, 1, 0), NAN), SchemaError, "control: expected a number.*sample 1"),
    Row("last control NaN, linear", lambda: from_arrays(Y, np.array([1, 1, NAN]), dt=1.0, hold="linear"),
        SchemaError, 'control: .*hold is "linear".*sample 2'),
    Row("value in the padding", lambda: altered("output", (1, 2, 0), 1.0), SchemaError, "nothing after the end.*'b'"),
    Row("static inf", lambda: from_arrays(Y, dt=1.0, static=[INF]), SchemaError, "static: expected finite values"),
    # structure against the schema
    Row("not a dataset", lambda: Y, SchemaError, "an xarray.Dataset, got ndarray; build one"),
    Row("no version", lambda: xr.Dataset({"output": ("time", Y[:, 0])}), SchemaError, "attribute 'dynlearn_schema'"),
    Row("other version", lambda: good().assign_attrs(dynlearn_schema="9"), SchemaError, "'1', got '9'.*update"),
    Row("no output", lambda: good().drop_vars("output"), SchemaError, "a variable 'output'"),
    Row("t as a variable", lambda: good().reset_coords("t"), SchemaError, r"set_coords\(\"t\"\)"),
    Row("time with a coordinate", lambda: good().assign_coords(time=[1, 2, 3]), SchemaError, "drop_vars"),
    Row("one run selected", lambda: good().sel(trajectory="a"), SchemaError, r"select.*with a list"),
    Row("no run left", lambda: good().isel(trajectory=[]), SchemaError, "at least one run"),
    Row("no ids", lambda: good().drop_vars("trajectory"), SchemaError, "an id for each run"),
    Row("foreign dimension", lambda: good().assign(z=("pixel", [1])), SchemaError, "z: expected dimensions among"),
    Row("integer output", lambda: good().assign(output=good()["output"].fillna(0).astype(int)), SchemaError,
        r"floating-point values, got dtype int64; convert"),
    Row("units as an attribute", lambda: good().assign(output=good()["output"].assign_attrs(units="m")), SchemaError,
        "output_unit"),
    Row("no hold", lambda: good().assign(control=good().control.drop_attrs()), SchemaError, "the attribute hold"),
    Row("names of numbers", lambda: good().assign_coords(output_name=[1, 2]), SchemaError, "strings as names"),
    Row("units of numbers", lambda: good().assign_coords(output_unit=("output_name", [1, 2])), SchemaError, "strings"),
    Row("t of float32", lambda: good().assign_coords(t=good().t.astype("float32")), SchemaError, "astype"),
    Row("t of dates", lambda: good().assign_coords(t=good().t.astype("datetime64[ns]")), SchemaError, "from_arrays"),
    Row("t since a date", lambda: good().assign_coords(t=good().t.assign_attrs(units="days since 1900")), SchemaError,
        "origin"),
    Row("reward of whole numbers", lambda: good().assign(reward=(("trajectory", "time"), np.ones((2, 3), int))),
        SchemaError, "reward: expected floating-point"),
    Row("unknown kind", lambda: names(good(), "outputs"), ArgumentError, "did you mean 'output'"),
    # from_frame, to_frame
    Row("not a frame", lambda: from_frame(Y, "t", ["y"]), ArgumentError, "a pandas or polars DataFrame.*got ndarray; use from_arrays"),
    Row("no roles", lambda: from_frame(frame()), ArgumentError, "outputs, and one of time and dt"),
    Row("unknown column", lambda: framed(outputs=["yy"]), ArgumentError, "outputs?: unknown column 'yy'; did you mean 'y'"),
    Row("one name as text", lambda: framed(outputs="y"), ArgumentError, r"a list of columns.*\['y'\]"),
    Row("text column", lambda: framed(frame(y=["1", "2", "x"])), ArgumentError, "column 'y': expected numbers.*to_numeric"),
    Row("changing static", lambda: framed(frame(m=[1.0, 2.0, 1.0]), static=["m"]), ArgumentError, "several values in run 'a'"),
    Row("row without run", lambda: framed(frame(run=["a", None, "b"])), ArgumentError, "a run id in every row.*row 1"),
    Row("rows out of order", lambda: framed(frame(t=[0.1, 0.0, 0.0])), SchemaError, "increasing.*run 'a'.*sort"),
    Row("no rows", lambda: framed(frame().iloc[:0]), ArgumentError, "at least one row"),
    Row("same columns", lambda: framed(pd.concat([frame(), frame()], axis=1)), ArgumentError, "unique column names"),
    Row("a sample dimension", lambda: to_frame(good().expand_dims(sample=2)), ArgumentError, r"mean\(\"sample\"\)"),
    # verbs
    Row("unknown run", dyn("run", "c"), ArgumentError, "unknown run 'c'.*'a', 'b'"),
    Row("nothing before", dyn("before", -1.0), ArgumentError, "a sample before t = -1.*no run has any"),
    Row("a run without samples after", dyn("after", 0.15), ArgumentError, "none in run 'b'.*short="),
    Row("NaN as an instant", dyn("before", NAN), ArgumentError, "instant: expected a finite number"),
    Row("between backwards", dyn("between", 1.0, 0.0), ArgumentError, "stop: expected an instant after start = 1"),
    Row("unknown short", dyn("before", 0.1, short="skip"), ArgumentError, "unknown value of short 'skip'"),
    Row("window too long", dyn("windows", 3), ArgumentError, "a window of 3 samples, got none in run 'b'"),
    Row("window of zero", dyn("windows", 0), ArgumentError, "length: expected an integer >= 1, got 0"),
    Row("empty split", dyn("split", 0.7, 0.15), ArgumentError, r"empty \w+ part of run '\w'.*at least \d+ samples"),
    Row("too few runs", dyn("split", 0.7, 0.15, by="trajectory"), ArgumentError, "part from 2 runs.*at least"),
    Row("split of percent", dyn("split", 70, 15), ArgumentError, r"train: expected a fraction.*0\.8 for two parts"),
    Row("split of more than all", dyn("split", 0.8, 0.3), ArgumentError, r"train \+ valid <= 1, got 0\.8 \+ 0\.3"),
    Row("valid alone", dyn("split", valid=0.3), ArgumentError, "train: expected a fraction.*got None"),
    Row("empty second part", dyn("split", 0.9), ArgumentError, "empty second part of run 'a' with its 3"),
    Row("unknown split", dyn("split", by="run"), ArgumentError, "unknown value of by 'run'"),
    Row("a key of text", dyn("split", 0.3, 0.3, by="trajectory", key="x"), ArgumentError, "key: expected an int"),
    Row("unit mismatch", lambda: concatenate([good(), good(units={"y1": "m"}).dyn.rename_runs(prefix="z")]), SchemaError,
        r"datasets\[1\]: expected output units as in the first: \('', ''\), got \('', 'm'\)"),
    Row("other variables", lambda: concatenate([good(), good().drop_vars("control")]), SchemaError, "variables as in"),
    Row("other hold", lambda: good().dyn.concatenate(good(hold="linear")), SchemaError, "hold as in the first: 'zero'"),
    Row("the same runs twice", lambda: good().dyn.concatenate(good()), SchemaError, "'a' twice; .*prefixes"),
    Row("ids of two kinds", lambda: good().dyn.concatenate(good().dyn.rename_runs([0, 1])), SchemaError, "numbers and"),
    Row("too few prefixes", lambda: concatenate([good(), good()], prefixes=["a"]), ArgumentError, "a list of 2 strings"),
    Row("nothing to concatenate", lambda: concatenate([]), ArgumentError, "at least one dataset"),
    Row("rename without names", dyn("rename_runs"), ArgumentError, "exactly one of them, got neither"),
    Row("rename to the same", dyn("rename_runs", ["c", "c"]), ArgumentError, "2 different run ids"),
    Row("unknown method", dyn("resample", 0.1, "cubic"), ArgumentError, "unknown method 'cubic'.*'linear', 'previous'"),
    Row("resample to zero", dyn("resample", 0), ArgumentError, "dt: expected a positive"),
    Row("negative gap", dyn("resample", 0.1, max_gap=-1), ArgumentError, "max_gap: expected a positive time"),
    Row("resample rewards", lambda: from_gymnasium("Pendulum-v1", episodes=1, max_steps=2).dyn.resample(0.1),
        ArgumentError, r"reward: expected only outputs.*drop_vars\(\['reward'"),
    Row("no grid", lambda: from_arrays(Y, times=[0, 1, 2.4]).dyn.regularize(), ArgumentError, r"resample\(dt\)"),
    Row("samples to the device", lambda: good().expand_dims(sample=2).transpose("trajectory", ...).assign(
        control=good().control).dyn.to_device(), ArgumentError, "no dimension `sample`"),
    Row("NaN static to the device", lambda: good(static=[[NAN], [1.0]]).dyn.to_device(), ArgumentError, "static: expected"),
    # from_gymnasium
    Row("unknown step", lambda: from_gymnasium(Space()), ArgumentError, "dt: expected the time per step.*dt=1.0"),
    Row("image observations", lambda: from_gymnasium(Space(gymnasium.spaces.Box(0, 1, (2, 2))), dt=1.0), ArgumentError,
        "observation_space: expected a Box with one axis.*FlattenObservation"),
    Row("discrete observations", lambda: from_gymnasium(Space(gymnasium.spaces.Discrete(2)), dt=1.0), ArgumentError,
        r"observation_space: .*Discrete\(2\)"),
    Row("action out of bounds", lambda: from_gymnasium(Space(), lambda y: [7.0], dt=1.0), ArgumentError, "clip it"),
    Row("action of another shape", lambda: from_gymnasium(Space(), lambda y: 0.0, dt=1.0), ArgumentError, "inside Box"),
    Row("no episodes", lambda: from_gymnasium(Space(), episodes=0, dt=1.0), ArgumentError, "episodes: expected an integer >= 1, got 0"),
    Row("observation names", lambda: from_gymnasium("Pendulum-v1", episodes=1, max_steps=1, output_names=["a"]),
        ArgumentError, "a list of 3 names"),
    # files
    Row("unknown suffix", lambda: read("runs.nca"), ArgumentError, "unknown suffix '.nca'; did you mean '.nc'"),
    Row("no file", lambda: read("nowhere.nc"), MissingFileError, r"nowhere\.nc: expected a \.nc file, found nothing"),
    Row("write a table", lambda: write(good(), "runs.csv"), ArgumentError, "to_csv"),
]  # fmt: skip


@pytest.mark.parametrize("row", BAD_INPUT, ids=lambda row: row.id.replace(" ", "-"))
def test_bad_input(row):
    with pytest.raises(row.error) as caught:
        validate(row.call())
    assert re.search(row.message, str(caught.value)), str(caught.value)
    assert len(str(caught.value)) > 30


def test_the_table_is_a_table():
    assert len({row.id for row in BAD_INPUT}) == len(BAD_INPUT)


BAD_FILES = {
    "truncated.nc": (
        "complete .nc",
        lambda path: (write(good(), path), path.write_bytes(path.read_bytes()[:3000])),
    ),
    "foreign.nc": ("complete .nc file.*another kind", lambda path: path.write_text("not a netCDF file")),
    "other.nc": (
        "not a dynlearn dataset.*dynlearn_schema",
        lambda path: xr.Dataset({"a": 1}).to_netcdf(path),
    ),
    "empty.nc": ("complete .nc", lambda path: path.write_bytes(b"")),
    "empty.zarr": ("complete .zarr", lambda path: path.mkdir()),
    "file.zarr": ("complete .zarr", lambda path: path.write_text("x")),
    "empty.csv": ("a table of comma-separated", lambda path: path.write_text("")),
    "binary.csv": ("text in UTF-8", lambda path: path.write_bytes(b"\xff\xfe\x00a\x81")),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_damaged_and_foreign_files(name, tmp_path):
    message, make = BAD_FILES[name]
    make(tmp_path / name)
    with pytest.raises(FileFormatError) as caught:
        read(tmp_path / name)
    assert re.search(message, str(caught.value)), str(caught.value)


def test_file_options(tmp_path):
    write(good(), tmp_path / "a.nc")
    with pytest.raises(ArgumentError, match=r"outputs: expected only with a \.csv file"):
        read(tmp_path / "a.nc", outputs=["y"])
    frame().to_csv(tmp_path / "a.csv")
    with pytest.raises(ArgumentError, match=r"option for a \.csv file 'output'; did you mean 'outputs'"):
        read(tmp_path / "a.csv", time="t", output=["y"])
    with pytest.raises(FileFormatError, match=r"column 'run': .*ISO 8601 dates.*got 'a'"):
        read(tmp_path / "a.csv", time="run", outputs=["y"])
