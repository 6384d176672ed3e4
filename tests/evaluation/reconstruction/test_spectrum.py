"""D_H: what it sees, what it does not, and its values for sines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from dynlearn.errors import ArgumentError
from dynlearn.evaluation.reconstruction import power_spectrum, spectral_distance

N = 1024
T = 2 * np.pi * np.arange(N) / N


def test_equal_series():
    x = np.random.default_rng(0).normal(size=(N, 2))
    assert spectral_distance(x, x) == pytest.approx(0, abs=1e-12)


@given(st.floats(0, 6.2), st.floats(0, 6.2), st.floats(0.01, 100), st.floats(-100, 100))
def test_phase_size_and_offset_do_not_matter(one, other, size, offset):
    x = np.sin(20 * T + one) + 0.5 * np.sin(50 * T + other)
    y = np.sin(20 * T) + 0.5 * np.sin(50 * T)
    assert spectral_distance(size * x + offset, y) == pytest.approx(0, abs=1e-6)


def test_sines_of_other_frequencies_share_nothing():
    assert spectral_distance(np.sin(20 * T), np.sin(300 * T), smoothing=0) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("a", [0.1, 1.0, 3.0])
def test_two_sines_by_hand(a):
    """Spectra (1, 0) and (1, a^2) / (1 + a^2): sqrt(1 - 1 / sqrt(1 + a^2))."""
    found = spectral_distance(np.sin(20 * T) + a * np.sin(300 * T), np.sin(20 * T), smoothing=0)
    assert found == pytest.approx(np.sqrt(1 - 1 / np.sqrt(1 + a**2)), abs=1e-9)


def test_smoothed_sines_by_hand():
    """Far from both ends a line becomes a Gaussian: those of centres m apart have the distance
    sqrt(1 - exp(-m^2 / (8 sigma^2)))."""
    found = spectral_distance(np.sin(230 * T), np.sin(200 * T), smoothing=20)
    assert found == pytest.approx(np.sqrt(1 - np.exp(-(30**2) / (8 * 20**2))), abs=2e-3)


def test_outputs_are_averaged():
    x = np.stack([np.sin(20 * T), np.sin(20 * T)], axis=1)
    y = np.stack([np.sin(20 * T), np.sin(300 * T)], axis=1)
    assert spectral_distance(x, y, smoothing=0) == pytest.approx(0.5, abs=1e-9)


def test_the_spectrum_against_its_definition():
    x = np.random.default_rng(3).normal(size=N)
    power = gaussian_filter1d(np.abs(np.fft.rfft((x - x.mean()) / x.std())) ** 2, 7.0)
    np.testing.assert_allclose(power_spectrum(x, 7.0)[:, 0], power / power.sum(), rtol=1e-9)


def test_several_windows_are_averaged_as_spectra():
    rng = np.random.default_rng(4)
    x, windows = rng.normal(size=(N, 1)), rng.normal(size=(3, N, 1))
    q = np.mean([power_spectrum(w, 5.0) for w in windows], axis=0)
    p = power_spectrum(x, 5.0)
    expected = np.sqrt(1 - np.sum(np.sqrt(p * q)))
    assert spectral_distance(x, windows, 5.0) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "broken", [np.full(N, 3.0), np.full(N, np.nan), np.where(np.arange(N) == 7, np.inf, T)]
)
def test_what_has_no_spectrum_is_the_worst(broken):
    assert spectral_distance(broken, np.sin(20 * T)) == 1.0


def test_numbers_whose_squares_overflow():
    x = np.random.default_rng(0).normal(size=N)
    for size in (1e-200, 1e200):
        assert spectral_distance(size * x, x) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("generated", "reference", "smoothing", "words"),
    [
        (
            T[:10],
            T,
            20,
            f"generated: expected the reference's length of {N} samples, got 10; cut the longer one, because the "
            "score depends on the length.",
        ),
        (
            T,
            np.ones(N),
            20,
            "reference: output 0 never changes, so there is nothing to compare; leave it out.",
        ),
        (
            T,
            np.full(N, np.nan),
            20,
            "reference: expected finite numbers, got NaN or inf; cut it to a stretch without a gap.",
        ),
        (T, T, -1, "spectrum: expected smoothing to be a number >= 0, got -1."),
    ],
)
def test_what_is_refused(generated, reference, smoothing, words):
    with pytest.raises(ArgumentError) as error:
        spectral_distance(generated, reference, smoothing)
    assert str(error.value) == words
