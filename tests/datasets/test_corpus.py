"""The corpus: many systems, parameters and views; what they are does not hang on which others there are."""

import numpy as np
import pytest
import xarray as xr

import dynlearn as dl
from dynlearn.datasets.corpora import corpus as corpora
from dynlearn.datasets.corpora import flows, views
from dynlearn.errors import ArgumentError


@pytest.fixture(scope="module")
def cyclic() -> xr.Dataset:
    return dl.datasets.corpus(["VanDerPol", "LotkaVolterra"], draws=2, length=300, key=3)


def values(ds: xr.Dataset, run: str) -> np.ndarray:
    found = ds["output"].sel(trajectory=run).transpose("time", "output_name").values
    return found[np.isfinite(found).all(1)]


def test_every_draw_is_seen_in_three_ways(cyclic):
    names = [f"{s}:{d}:{v}" for s in ("VanDerPol", "LotkaVolterra") for d in (0, 1) for v in views.VIEWS]
    assert cyclic["trajectory"].values.tolist() == names
    for run in names:
        y = values(cyclic, run)
        np.testing.assert_allclose(y.mean(0), 0, atol=0.05)
        np.testing.assert_allclose(y.std(0), 1, atol=0.05)


def test_a_system_does_not_hang_on_the_others(cyclic):
    alone = dl.datasets.corpus(["LotkaVolterra"], draws=2, length=300, key=3)
    for run in alone["trajectory"].values:
        np.testing.assert_array_equal(values(alone, run), values(cyclic, run))
    other = dl.datasets.corpus(["LotkaVolterra"], draws=1, length=300, key=4)
    assert not np.array_equal(values(other, "LotkaVolterra:0:mixed"), values(cyclic, "LotkaVolterra:0:mixed"))


def test_the_third_view_is_one_series_and_its_past():
    y = np.random.default_rng(0).normal(size=(400, 2)).cumsum(0)
    y = np.sin(0.2 * np.arange(400))[:, None] * [1.0, 2.0] + 0.01 * y
    found = views.delayed(y, np.random.default_rng(1))
    lag = 400 - len(found)
    assert lag > 0
    assert lag % 2 == 0
    np.testing.assert_array_equal(found[lag // 2 :, 1], found[: len(found) - lag // 2, 0])
    np.testing.assert_array_equal(found[lag:, 2], found[: len(found) - lag, 0])


def test_parameters_move_by_the_spread():
    """Of van der Pol: mu = 1, drawn again and again."""
    x = np.array([0.5, 2.0])
    at = [flows.flow("VanDerPol", np.random.default_rng(i), 0.1).field(x)[1] for i in range(200)]
    mu = (np.array(at) + x[0]) / ((1 - x[0] ** 2) * x[1])
    assert abs(mu.mean() - 1) < 0.03
    assert 0.08 < mu.std() < 0.12


@pytest.mark.parametrize(("name", "peaks"), [("Cycle", 1), ("TwoCycles", 2)])
def test_cycles_have_their_frequencies_and_harmonics_only(name, peaks):
    flow = flows.flow(name, np.random.default_rng(5))
    rates = np.asarray(flow.field(np.zeros(peaks))) / (2 * np.pi)
    states = flows.solution(flow, np.arange(6000) / 50)
    y = flow.observed(states)
    power = np.abs(np.fft.rfft((y - y.mean(0)) * np.hanning(6000)[:, None], axis=0)) ** 2
    frequency = np.fft.rfftfreq(6000, 1 / 50)
    near = np.zeros(len(frequency), bool)
    for rate in rates:
        for k in range(1, 5):
            near |= np.abs(frequency - k * rate) < 0.03
    assert power[~near].sum() < 1e-4 * power.sum()
    assert rates[0] == pytest.approx(1)


def test_what_rests_settles_or_wanders_is_left_out():
    t = np.arange(400)
    wave = np.sin(0.3 * t)
    y = np.stack([wave, np.full(400, 2.0), wave * np.exp(-t / 40), wave + 0.05 * t], axis=1)
    assert corpora._goes_on(y).tolist() == [True, False, False, False]


def test_no_system_is_in_two_parts():
    parts = [set(corpora.HELD_OUT), set(corpora.VALIDATION)]
    assert not parts[0] & parts[1]
    assert len(parts[0]) >= 20


def test_the_parts_are_systems_of_the_collection():
    pytest.importorskip("dysts")
    known = set(flows.names())
    assert {*corpora.HELD_OUT, *corpora.VALIDATION} <= known
    training = set(corpora._part("training"))
    assert training == known - {*corpora.HELD_OUT, *corpora.VALIDATION}
    assert len(training) > 80


def test_bad_settings_are_refused():
    with pytest.raises(ArgumentError, match="expected spread from 0 to 1, got 2"):
        dl.datasets.corpus(["VanDerPol"], spread=2)
    with pytest.raises(ArgumentError, match="part of the corpus"):
        dl.datasets.corpus("train")
    with pytest.raises(ArgumentError, match="length"):
        dl.datasets.corpus(["VanDerPol"], length=10)
    for bad in (3, None, [], [1]):
        with pytest.raises(ArgumentError, match="systems: expected names of systems in a list"):
            dl.datasets.corpus(bad)
    with pytest.raises(ArgumentError, match="key: expected an integer >= 0, got -1"):
        dl.datasets.corpus(["VanDerPol"], key=-1)
    with pytest.raises(ArgumentError, match="expected noisy from 0 to 1, got 'a'"):
        dl.datasets.corpus(["VanDerPol"], noisy="a")
