"""Lyapunov exponent and correlation dimension of systems in which they are known."""

import numpy as np
import pytest

from dynlearn.errors import ArgumentError
from dynlearn.evaluation.reconstruction import correlation_dimension, embedded, lyapunov_exponent

from .systems import henon, logistic, lorenz


@pytest.fixture(scope="module")
def chaos():
    x = lorenz(8000, 0.05)
    return x / x.std(axis=0)


def test_lorenz(chaos):
    assert lyapunov_exponent(chaos, 0.05) == pytest.approx(0.906, rel=0.06)
    assert correlation_dimension(chaos) == pytest.approx(2.05, abs=0.05)


def test_one_output_of_lorenz_in_delay_vectors(chaos):
    z = embedded(chaos[:, 0], 5, 2)
    assert lyapunov_exponent(z, 0.05) == pytest.approx(0.906, rel=0.12)
    assert correlation_dimension(z) == pytest.approx(2.05, abs=0.08)


def test_henon():
    x = henon(5000)
    assert lyapunov_exponent(x) == pytest.approx(0.419, rel=0.03)
    assert correlation_dimension(x) == pytest.approx(1.21, abs=0.04)


def test_logistic():
    assert lyapunov_exponent(logistic(4000)) == pytest.approx(np.log(2), rel=0.02)


def test_time_has_its_unit():
    x = logistic(2000)
    assert lyapunov_exponent(x, 0.1) == pytest.approx(10 * lyapunov_exponent(x))


def test_a_cycle():
    """Random phases on a circle, and a turn around it in steps that never come back: dimension 1, exponent 0."""
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, 3000)
    assert correlation_dimension(np.stack([np.cos(phase), np.sin(phase)], 1)) == pytest.approx(1, abs=0.01)
    turn = 0.3 * np.arange(3000)
    assert lyapunov_exponent(np.stack([np.cos(turn), np.sin(turn)], 1)) == pytest.approx(0, abs=1e-9)


def test_noise_fills_all_dimensions_and_parts_at_once():
    x = np.random.default_rng(0).uniform(size=(4000, 2))
    assert correlation_dimension(x) == pytest.approx(2, abs=0.06)
    assert lyapunov_exponent(np.random.default_rng(0).normal(size=(3000, 3))) == np.inf


def test_a_theiler_window_keeps_neighbours_in_time_out():
    """A smooth walk through 8 dimensions: its neighbours in time lie on a line."""
    rng = np.random.default_rng(0)
    kernel = np.hanning(61)[:, None]
    x = np.apply_along_axis(np.convolve, 0, rng.normal(size=(3000, 8)), kernel[:, 0], "valid")
    assert correlation_dimension(x, theiler=0) < 2
    assert correlation_dimension(x, theiler=100) > 4


def test_what_stands_still_or_comes_back():
    assert np.isnan(lyapunov_exponent(np.ones((500, 2))))
    assert correlation_dimension(np.ones((500, 2))) == 0.0
    phase = 2 * np.pi * np.arange(40) / 40
    tile = np.tile(np.stack([np.cos(phase), np.sin(phase)], 1), (50, 1))
    assert correlation_dimension(tile) == 0.0
    assert lyapunov_exponent(tile) == pytest.approx(0, abs=1e-9)


def test_what_converges_has_a_negative_exponent():
    """Two spirals into the origin, 40 samples apart in time: their distance decays as e^(-0.01 k)."""
    k = np.arange(600)
    x = np.exp(-0.01 * k)[:, None] * np.stack([np.cos(0.31 * k), np.sin(0.31 * k)], 1)
    assert lyapunov_exponent(x) == pytest.approx(-0.01, rel=0.05)


@pytest.mark.parametrize("estimate", [lyapunov_exponent, correlation_dimension])
def test_units_and_constant_outputs_do_not_matter(estimate):
    x = henon(1000)
    wide = np.concatenate([1e9 * x + 1e9, np.full((1000, 1), 7.0)], axis=1)
    assert estimate(wide) == pytest.approx(estimate(x), rel=1e-3)


@pytest.mark.parametrize("estimate", [lyapunov_exponent, correlation_dimension])
def test_what_is_refused(estimate):
    with pytest.raises(
        ArgumentError, match="series: expected finite numbers, got NaN or inf; cut it to a stretch"
    ):
        estimate([1.0, np.nan, 2.0])
    with pytest.raises(ArgumentError, match=r"more than 100 samples apart .*give a longer one\."):
        estimate(np.random.default_rng(0).normal(size=120), theiler=100)


def test_an_interval_is_a_time():
    with pytest.raises(ArgumentError, match=r"interval: expected a time > 0, got 0\."):
        lyapunov_exponent(logistic(100), 0)
