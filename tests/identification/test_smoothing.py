"""White noise on well-sampled signals is seen and smoothed; anything else is left alone."""

import numpy as np
import pytest

from dynlearn.identification.smoothing import noise_deviation, smoothed

RNG = np.random.default_rng(0)
T = np.arange(3000)
SIGNAL = np.sin(0.05 * T) + 0.5 * np.cos(0.13 * T)


@pytest.mark.parametrize("level", [0.01, 0.05, 0.15])
def test_noise_is_seen_and_mostly_gone(level):
    noisy = SIGNAL + level * np.random.default_rng(1).normal(size=T.size)
    (found,), sigma = smoothed([noisy])
    assert sigma == pytest.approx(level, rel=0.06)
    assert np.std(found - SIGNAL) < 0.55 * level


def test_a_clean_signal_comes_back_as_it_is():
    (found,), sigma = smoothed([SIGNAL])
    assert sigma == 0
    assert found is SIGNAL


def logistic(n):
    x = [0.3]
    for _ in range(n):
        x.append(3.9 * x[-1] * (1 - x[-1]))
    return np.array(x)


@pytest.mark.parametrize(
    "series",
    [
        logistic(2000),
        RNG.normal(size=2000),
        np.cumsum(RNG.normal(size=2000)),
        np.sin(1.5 * T),
        np.full(500, 7.0),
    ],
    ids=["chaotic map", "white noise", "random walk", "sampled seldom", "constant"],
)
def test_what_the_sampling_does_not_resolve_is_no_noise(series):
    assert noise_deviation([series]) == 0


def test_short_stretches_stay_and_long_ones_are_smoothed_apart():
    noisy = SIGNAL + 0.1 * np.random.default_rng(2).normal(size=T.size)
    stretches = [noisy[:1500], noisy[1500:1504], noisy[1504:]]
    found, sigma = smoothed(stretches)
    assert sigma == pytest.approx(0.1, rel=0.1)
    assert found[1] is stretches[1]
    for piece, truth in ((found[0], SIGNAL[:1500]), (found[2], SIGNAL[1504:])):
        assert np.std(piece - truth) < 0.06


def test_too_few_samples_say_nothing():
    assert noise_deviation([SIGNAL[:40] + 0.1 * RNG.normal(size=40)]) == 0
