"""Autocorrelation distance, prediction error, valid time and delay vectors, by hand."""

import numpy as np
import pytest

from dynlearn.errors import ArgumentError
from dynlearn.evaluation.reconstruction import (
    autocorrelation,
    autocorrelation_distance,
    decorrelation,
    embedded,
    mean_period,
    normalised_error,
    prediction_error,
    valid_prediction_time,
)


def test_autocorrelation_against_its_sum():
    y = np.random.default_rng(0).normal(size=(50, 2)) + 1e3
    z = y - y.mean(axis=0)
    expected = [(z[: 50 - lag] * z[lag:]).sum(axis=0) / (z**2).sum(axis=0) for lag in range(8)]
    np.testing.assert_allclose(autocorrelation(y, 7), expected, atol=1e-9)


def test_a_constant_remembers_for_ever_and_what_diverged_is_the_worst():
    y = np.random.default_rng(0).normal(size=200)
    r = autocorrelation(y, 20)[1:, 0]
    assert autocorrelation_distance(np.ones(200), y) == pytest.approx(np.sqrt(np.mean((1 - r) ** 2)))
    assert autocorrelation_distance(np.full(200, np.nan), y) == 2.0
    assert autocorrelation_distance(y, y) == 0.0


def test_autocorrelations_of_several_windows_are_averaged():
    rng = np.random.default_rng(1)
    y, windows = rng.normal(size=(100, 1)), rng.normal(size=(3, 100, 1))
    mean = np.mean([autocorrelation(w, 10) for w in windows], axis=0)
    expected = np.sqrt(np.mean((autocorrelation(y, 10) - mean)[1:] ** 2))
    assert autocorrelation_distance(y, windows) == pytest.approx(expected)


def test_lags_beyond_the_series():
    with pytest.raises(
        ArgumentError, match=r"lags: expected fewer than the 5 samples of the series, got 5\."
    ):
        autocorrelation(np.arange(5.0), 5)


def test_the_error_is_over_what_was_measured():
    generated = np.array([[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]])
    recorded = np.array([[2.0, 5.0], [np.nan, 10.0], [np.nan, np.nan]])
    found = normalised_error(generated, recorded, scale=[0.5, 2.0])
    np.testing.assert_allclose(found, [np.sqrt((2**2 + 0) / 2), 2.0, np.nan])


def test_the_scale_is_the_standard_deviation_unless_given():
    recorded = np.array([1.0, 2.0, np.nan, 5.0])
    found = normalised_error(np.zeros(4), recorded)
    np.testing.assert_allclose(found, [1, 2, np.nan, 5] / np.nanstd(recorded))


def test_what_is_not_finite_is_infinitely_far():
    found = normalised_error([0.0, np.nan, np.inf], [0.0, 1.0, 1.0], scale=[1.0])
    assert found.tolist() == [0.0, np.inf, np.inf]
    assert prediction_error([0.0, np.nan], [0.0, 1.0], 2, [1.0]) == np.inf


@pytest.mark.parametrize(
    ("errors", "valid"),
    [([0.1, 0.4, 0.5, 0.1], 2), ([0.5, 0.1, 0.1, 0.1], 0), ([0.1] * 4, 4), ([0.1, np.nan, 0.1, 0.9], 3)],
)
def test_valid_time_by_hand(errors, valid):
    elapsed = np.array([0.5, 1.0, 2.0, 4.0])  # uneven
    recorded = np.where(np.isnan(errors), np.nan, 0.0)
    run = np.nan_to_num(errors)
    time = elapsed[valid - 1] if valid else 0.0
    assert valid_prediction_time(run, recorded, elapsed, scale=[1.0]) == time
    assert valid_prediction_time(run, recorded, elapsed, scale=[1.0], lyapunov=0.9) == pytest.approx(
        0.9 * time
    )


def test_the_error_of_a_growing_separation():
    """1e-3 e^(0.9 t) reaches 0.4 at log(400) / 0.9."""
    t = 0.01 * np.arange(1, 1001)
    found = valid_prediction_time(1e-3 * np.exp(0.9 * t), np.zeros(1000), t, scale=[1.0], lyapunov=0.9)
    assert found == pytest.approx(np.log(400), abs=0.01)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threshold": 0}, "threshold: expected a number above 0, got 0."),
        ({"lyapunov": -0.1}, "lyapunov: expected a number above 0, got -0.1."),
        ({"scale": [0.0]}, "scale: expected a number above 0 for every output, output 0 has 0."),
    ],
)
def test_what_valid_time_refuses(options, words):
    with pytest.raises(ArgumentError) as error:
        valid_prediction_time(np.ones(3), np.arange(3.0), np.arange(3.0), **options)
    assert str(error.value) == words


def test_steps_beyond_the_run():
    with pytest.raises(ArgumentError, match=r"steps: expected at most the 3 leads of the run, got 4\."):
        prediction_error(np.ones(3), np.arange(3.0), 4)


def test_delay_vectors():
    y = np.array([[1.0, -1], [2, -2], [3, -3], [4, -4], [5, -5]])
    np.testing.assert_array_equal(embedded(y, 2, 3), [[1, -1, 4, -4], [2, -2, 5, -5]])
    with pytest.raises(ArgumentError, match="series: 3 copies 3 samples apart need 7 samples, got 5"):
        embedded(y, 3, 3)


def test_time_scales_of_a_sine():
    y = np.sin(2 * np.pi * np.arange(2000) / 80)
    assert mean_period(y) == 80
    assert decorrelation(y) == 12  # acos(1 - 1/e) = 0.887 of 2 pi, 11.3 of 80 samples
    assert decorrelation(np.arange(3.0)) >= 1
