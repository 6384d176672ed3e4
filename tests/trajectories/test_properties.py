"""What holds for every dataset under the schema, verb by verb."""

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dynlearn.trajectories import from_arrays
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.schema import names, run_ids, times_2d, units
from dynlearn.trajectories.verbs.concatenate import concatenate
from dynlearn.trajectories.verbs.gather import with_own_times

from .strategies import trajectories

small = settings(max_examples=30, deadline=None, derandomize=True)
smaller = settings(small, max_examples=12)

LONG = st.integers(8, 20)


def runs(ds: xr.Dataset) -> list[xr.Dataset]:
    return [ds.dyn.run(i) for i in run_ids(ds)]


def same_values(a: xr.Dataset, b: xr.Dataset) -> bool:
    """Equal but for the run ids."""
    return a.drop_vars("trajectory").identical(b.drop_vars("trajectory"))


def in_time(parts: list[xr.Dataset]) -> xr.Dataset:
    """Parts of one run, one after the other."""
    along = [name for name, variable in parts[0].variables.items() if "time" in variable.dims]
    glued = xr.concat([ds[along] for ds in parts], "time", coords="minimal", compat="override", join="exact")
    return parts[0].drop_vars(along).merge(glued, combine_attrs="override")


@small
@given(trajectories())
def test_valid_and_shuffled_dimensions_are_valid(ds):
    assert validate(ds) is ds
    turned = ds.transpose("time", "output_name", "trajectory", ...)
    validate(turned)
    np.testing.assert_array_equal(times_2d(turned), times_2d(ds))
    assert turned.dyn.to_frame().equals(ds.dyn.to_frame())


@small
@given(trajectories())
def test_units_follow_their_channel(ds):
    turned = ds.isel(output_name=slice(None, None, -1))
    assert dict(zip(names(turned), units(turned), strict=True)) == dict(
        zip(names(ds), units(ds), strict=True)
    )


@small
@given(trajectories(), st.floats(-3, 10))
def test_before_and_after_are_a_partition(ds, instant):
    for run in runs(ds):
        inside = times_2d(run)[0] < instant
        if inside.all() or not inside.any():
            continue
        past, future = run.dyn.before(instant), run.dyn.after(instant)
        assert (times_2d(past) < instant).all()
        assert (times_2d(future) >= instant).all()
        assert in_time([past, future]).identical(run)


@small
@given(trajectories(), st.floats(-3, 5), st.floats(0.1, 5))
def test_between_keeps_what_lies_between(ds, start, span):
    inside = (times_2d(ds) >= start) & (times_2d(ds) < start + span)
    assume(inside.any())
    part = validate(ds.dyn.between(start, start + span, short="drop"))
    assert part.dyn.lengths.tolist() == [n for n in inside.sum(axis=1) if n]
    np.testing.assert_array_equal(times_2d(part)[~np.isnan(times_2d(part))], times_2d(ds)[inside])


@small
@given(trajectories(lengths=LONG))
def test_split_by_time_glues_back(ds):
    parts = ds.dyn.split(0.6, 0.2)
    for i in run_ids(ds):
        assert in_time([part.dyn.run(i) for part in parts]).identical(ds.dyn.run(i))


@small
@given(trajectories(runs=st.integers(4, 7)), st.integers(0, 100))
def test_split_by_trajectory_shares_out_the_runs(ds, key):
    parts = ds.dyn.split(0.5, 0.25, by="trajectory", key=key)
    assert sorted(run for part in parts for run in run_ids(part)) == run_ids(ds)
    assert all(part.dyn.run(i).identical(ds.dyn.run(i)) for part in parts for i in run_ids(part))
    again = ds.dyn.split(0.5, 0.25, by="trajectory", key=key)
    assert all(a.identical(b) for a, b in zip(parts, again, strict=True))


@small
@given(trajectories(lengths=LONG), st.integers(1, 8), st.integers(1, 4))
def test_windows_are_slices_of_their_source(ds, length, stride):
    cut = validate(ds.dyn.windows(length, stride))
    assert cut.dyn.n_runs == sum((n - length) // stride + 1 for n in ds.dyn.lengths)
    for i in (0, cut.dyn.n_runs // 2, cut.dyn.n_runs - 1):
        window = cut.isel(trajectory=[i])
        start = int(str(window.trajectory.values[0]).rsplit("/", 1)[1])
        whole = ds.dyn.run(window.source.values[0]).isel(time=slice(start, start + length))
        assert same_values(window.drop_vars("source"), whole)


@small
@given(trajectories())
def test_runs_concatenate_to_the_whole(ds):
    parts = runs(ds)
    whole = concatenate(parts)
    assert whole.identical(with_own_times(ds).isel(time=slice(0, ds.dyn.lengths.max())))
    twice = whole.dyn.concatenate(whole, prefixes=["a", "b"])
    assert twice.dyn.n_runs == 2 * ds.dyn.n_runs


@small
@given(trajectories())
def test_renaming_changes_ids_alone(ds):
    renamed = ds.dyn.rename_runs(prefix="x")
    assert same_values(renamed, ds)
    assert run_ids(renamed) == [f"x{i}" for i in run_ids(ds)]


@small
@given(trajectories(sampling=st.sampled_from(["regular", "lattice"]), lengths=st.integers(2, 8)))
def test_regularize_adds_only_what_was_left_out(ds):
    assert ds.dyn.sampling().lattice
    full = validate(ds.dyn.regularize())
    assert full.dyn.sampling().regular
    for old, new in zip(runs(ds), runs(full), strict=True):
        kept = np.isin(new.t.values[0], old.t.values[0])
        assert new.isel(time=kept).identical(with_own_times(old))
        added = new.isel(time=~kept)
        assert np.isnan(added["output"].values).all()
        if "control" in ds and ds.control.hold == "zero":
            last = np.searchsorted(old.t.values[0], added.t.values[0]) - 1
            np.testing.assert_array_equal(added.control.values[0], old.control.values[0, last])


@small
@given(trajectories(), st.sampled_from([0.1, 0.25, 0.7]), st.sampled_from(["linear", "previous"]))
def test_resample_is_regular_and_invents_no_extremes(ds, dt, method):
    new = validate(ds.dyn.resample(dt, method, max_gap=math.inf))
    for old, fresh in zip(runs(ds), runs(new), strict=True):
        t = fresh.t.values[0]
        np.testing.assert_array_equal(t, t[0] + dt * np.arange(t.size))
        assert t[0] == times_2d(old)[0, 0]
        assert times_2d(old)[0, -1] - dt < t[-1] + 1e-6
        assert t[-1] <= times_2d(old)[0, -1] + 1e-6
        for c in range(ds.sizes["output_name"]):
            before, after = old["output"].values[0, :, c], fresh["output"].values[0, :, c]
            measured, known = before[~np.isnan(before)], after[~np.isnan(after)]
            assert known.size == 0 or (measured.min() <= known.min() and known.max() <= measured.max())


@small
@given(trajectories(sampling=st.just("regular"), lengths=st.integers(2, 8)))
def test_resample_at_the_own_interval_changes_nothing(ds):
    same = ds.dyn.resample(ds.dyn.sampling().interval, max_gap=1e-9)
    xr.testing.assert_allclose(same, with_own_times(ds), rtol=1e-9)


@small
@given(trajectories())
def test_describe_counts(ds):
    table = ds.dyn.describe()
    measured = np.isfinite(ds["output"].values).sum(axis=(0, 1))
    outputs = table.channels[table.channels["kind"] == "output"]
    assert outputs["samples"].tolist() == measured.tolist()
    assert table.summary["samples"] == ds.dyn.lengths.sum()
    assert all(name in str(table) for name in ds.dyn.outputs + ds.dyn.controls)


@smaller
@given(trajectories())
def test_device_has_masks_and_no_nan(ds):
    window = ds.dyn.to_device()
    assert all(np.isfinite(np.asarray(leaf)).all() for leaf in (window.output, window.control, window.time))
    np.testing.assert_array_equal(np.asarray(window.valid), ~np.isnan(times_2d(ds)))
    wanted = ds["output"].transpose("trajectory", "time", "output_name").values
    back = np.where(np.asarray(window.observed), np.asarray(window.output), np.nan)
    np.testing.assert_array_equal(back, wanted.astype(back.dtype))
    t = times_2d(ds)
    spans = np.nanmax(t, axis=1) - np.nanmin(t, axis=1)
    np.testing.assert_allclose(np.asarray(window.interval).sum(axis=1), spans, rtol=1e-5)
    assert window.static.shape == (ds.dyn.n_runs, ds.sizes.get("static_name", 0))


@smaller
@given(trajectories(lengths=LONG))
def test_chunked_data_stays_lazy(ds):
    pytest.importorskip("dask")
    lazy = ds.chunk(time=4)
    verbs = {
        "split": lambda d: d.dyn.split(0.6, 0.2)[1],
        "windows": lambda d: d.dyn.windows(5, 2),
        "after": lambda d: d.dyn.after(float(np.nanmin(times_2d(d)[:, -1])), short="drop"),
        "run": lambda d: d.dyn.run(run_ids(d)[-1]),
    }
    for name, verb in verbs.items():
        if name == "after" and not (times_2d(ds) >= np.nanmin(times_2d(ds)[:, -1])).any():
            continue
        result = verb(lazy)
        assert result["output"].chunks is not None, name
        assert result.compute().identical(verb(ds)), name


@small
@given(trajectories())
def test_numpy_round_trip(ds):
    parts = runs(ds)
    given_values = {
        f"{kind}s": [run[kind].values[0] for run in parts] for kind in ("control", "state") if kind in ds
    }
    if "static" in ds:
        given_values["static"] = ds["static"].values
    pairs = {
        name: unit
        for kind in ("output", "control", "static")
        for name, unit in zip(names(ds, kind), units(ds, kind), strict=True)
    }
    if ds.t.attrs:
        pairs["t"] = ds.t.attrs["units"]
    back = from_arrays(
        [run["output"].values[0] for run in parts],
        times=[times_2d(run)[0] for run in parts],
        units=pairs | ({"x1": units(ds, "state")[1]} if "state" in ds else {}),
        runs=run_ids(ds),
        hold=ds.control.hold if "control" in ds else "zero",
        **given_values,
        **{
            f"{kind}_names": names(ds, kind)
            for kind in ("output", "control", "state", "static")
            if kind in ds
        },
    )
    assert back.identical(with_own_times(ds))
