"""Instants that a clock has rounded are as regular as they were before."""

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError, SchemaError
from dynlearn.models import LinearStateSpace, Signature
from dynlearn.trajectories.sampling import agrees, sampling
from dynlearn.trajectories.times.clock import resolution

N = np.arange(2000.0)
UNIX = 1.7e9


def series(t) -> dl.trajectories.schema.xr.Dataset:
    t = np.asarray(t, float)
    return dl.from_arrays(np.sin(0.1 * np.arange(t.size)), times=t)


CLOCKS = {
    "milliseconds at 60 Hz": (1 / 60, np.round(N / 60, 3)),
    "milliseconds at 90 Hz": (1 / 90, np.round(N / 90, 3)),
    "milliseconds at 144 Hz": (1 / 144, np.round(N / 144, 3)),
    "milliseconds cut off": (1 / 60, np.floor(N * (1 / 60) * 1000) / 1000),
    "microseconds at 20 kHz": (5e-5 * 1.2345, np.round(N * 5e-5 * 1.2345, 6)),
    "Unix seconds, milliseconds": (1 / 60, UNIX + np.round(0.3 + N / 60, 3)),
    "Unix seconds, microseconds": (1 / 60, np.round(UNIX + N / 60, 6)),
    "Unix seconds in float64 at 10 kHz": (1e-4, UNIX + 1e-4 * N),
    "Unix seconds at 10 kHz, microseconds": (1e-4, np.round(UNIX + 1e-4 * N, 6)),
    "float32": (1 / 60, (N / 60).astype(np.float32)),
    "float32 far from zero": (1 / 60, (1e4 + N / 60).astype(np.float32)),
    "float32 products": (1 / 60, N.astype(np.float32) * np.float32(1 / 60)),
    "ticks of 1/1024": (1 / 60, np.floor(N / 60 * 1024) / 1024),
    "hours from seconds": (1 / 108, np.round(N * 100 / 3) / 3600),
    "a long record": (1 / 60, np.round(np.arange(200_000) / 60, 3)),
}


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_rounded_grid_is_regular(clock):
    dt, t = CLOCKS[clock]
    found = sampling(series(t))
    assert found.regular
    assert found.interval == pytest.approx(dt, rel=2e-5)
    assert agrees(t[None], dt)
    assert agrees(t[None, 7:12], dt)
    assert not agrees(t[None], 1.01 * dt)


UNEVEN = {
    "random": np.cumsum(np.random.default_rng(0).uniform(0.5, 1.5, 300)),
    "random to a decimal": np.round(np.cumsum(np.random.default_rng(0).uniform(0.5, 1.5, 300)), 1),
    "random between ticks": np.round(np.cumsum(np.random.default_rng(0).uniform(0.4, 0.5, 300)), 1),
    "jitter of a fifth": np.round(0.01 * N + np.random.default_rng(0).uniform(-2e-3, 2e-3, N.size), 4),
    "events at whole seconds": np.round(np.cumsum(np.random.default_rng(0).uniform(5, 15, 300))),
    "a change of rate": np.cumsum(np.where(N < 1000, 0.016, 0.017)),
    "a pause of half a step": np.round(N / 60 + (N > 1000) / 120, 3),
    "months": np.cumsum(np.random.default_rng(0).choice([28.0, 30.0, 31.0], 60)),
    "three instants": [0, 0.4, 0.9],
}


@pytest.mark.parametrize("case", UNEVEN)
def test_what_is_uneven_stays_so(case):
    found = sampling(series(UNEVEN[case]))
    assert (found.interval, found.step, found.regular, found.lattice) == (None, None, False, False)


def test_a_rounded_grid_with_samples_left_out():
    keep = np.sort(np.random.default_rng(0).choice(2000, 1500, replace=False))
    ds = series(np.round(keep / 60, 3))
    found = sampling(ds)
    assert (found.regular, found.lattice) == (False, True)
    assert found.step == pytest.approx(1 / 60, rel=1e-6)
    full = ds.dyn.regularize()
    assert np.flatnonzero(full["output"].notnull().values.ravel()).tolist() == (keep - keep[0]).tolist()


def test_runs_that_share_a_clock_but_no_start():
    runs = [np.round(start + np.arange(n) / 60, 3) for start, n in ((0.0003, 50), (7.1237, 8), (99.0, 30))]
    ds = dl.from_arrays([np.zeros(run.size) for run in runs], times=runs)
    assert ds.dyn.sampling().interval == pytest.approx(1 / 60, rel=1e-4)


def test_the_tick_that_is_seen():
    assert resolution(np.round(N / 60, 3)[None], 1 / 60) == pytest.approx(1e-3)
    assert resolution((np.floor(N / 60 * 1024) / 1024)[None], 1 / 60) == pytest.approx(1 / 1024)
    assert resolution(N[None], 1.0) < 1e-3  # one second is the step itself, not a tick


def test_a_discrete_model_takes_a_rounded_clock_and_says_what_it_does_not_take():
    ds = series(np.round(N[:200] / 60, 3))
    model = LinearStateSpace.from_data(ds, states=2)
    assert model.signature.interval == pytest.approx(1 / 60, rel=1e-4)
    model.signature.check(ds.isel(time=slice(3, 6)))
    with pytest.raises(
        ArgumentError, match=r"discrete-time model with interval 0\.016666.*the data's is 0\.02"
    ):
        model.signature.check(series(0.02 * N[:50]))
    weekdays = series(N[:50][N[:50] % 7 < 5])
    with pytest.raises(
        ArgumentError,
        match=r"pass continuous=True .*, or call ds\.dyn\.regularize\(\) \(--regularize .*\) first",
    ):
        LinearStateSpace.from_data(weekdays)
    assert LinearStateSpace.from_data(weekdays.dyn.regularize()).signature.interval == 1
    assert LinearStateSpace.from_data(weekdays, continuous=True).signature.interval is None


def test_the_remedy_for_months():
    months = np.datetime64("2000-01") + np.arange(48)
    y = np.sin(np.arange(48.0))
    ds = dl.from_arrays(y, times=months, units={"t": "d"})
    with pytest.raises(SchemaError, match=r'build it with units=\{"t": "month"\}, which counts the months'):
        Signature.of(ds, discrete=True)
    counted = dl.from_arrays(y, times=months, units={"t": "month"})
    assert Signature.of(counted, discrete=True).interval == 1
