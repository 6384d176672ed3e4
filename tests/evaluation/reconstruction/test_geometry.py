"""D_stsp: histograms and mixtures against divergences in closed form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynlearn.errors import ArgumentError
from dynlearn.evaluation.reconstruction import binned_divergence, mixture_divergence, state_space_divergence

A = 1e-5


def shares(counts, outside=0):
    """With a pseudo-count in every cell, that of the outside last."""
    cells = np.array([*counts, outside], float) + A
    return cells / cells.sum()


def divergence(p, q):
    return float(np.sum(p * np.log(p / q)))


@pytest.mark.parametrize("outputs", [1, 2, 3, 5])
def test_a_run_is_at_distance_0_from_itself(outputs):
    x = np.random.default_rng(0).normal(size=(300, outputs))
    assert state_space_divergence(x, x) == 0.0
    assert state_space_divergence(x[::-1], x) == pytest.approx(0.0, abs=1e-12)


def test_histograms_by_hand():
    """Four bins from 0 to 4; the largest value belongs to the last one."""
    reference = [0.0, 0.5, 1.5, 2.5, 2.6, 2.7, 4.0]
    generated = [0.1, 0.9, 1.0, 2.0, 3.9, -0.1, 4.1, 17.0]
    p, q = shares([2, 1, 3, 1]), shares([2, 1, 1, 1], outside=3)
    assert binned_divergence(generated, reference, bins=4) == pytest.approx(divergence(p, q), rel=1e-12)


def test_two_outputs_share_one_grid():
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    p, q = shares([1, 1, 1, 1]), shares([0, 4, 0, 0])
    found = binned_divergence(np.repeat(corners[1:2], 4, axis=0), corners, bins=2)
    assert found == pytest.approx(divergence(p, q), rel=1e-12)


def test_a_run_that_is_always_outside_is_the_worst():
    reference = np.linspace(0, 1, 100)
    p, q = shares([50, 50]), shares([0, 0], outside=10)
    outside = binned_divergence(np.full(10, 2.0), reference, bins=2)
    assert outside == pytest.approx(divergence(p, q), rel=1e-12)
    assert binned_divergence(np.full(10, np.nan), reference, bins=2) == outside
    assert binned_divergence(np.full(10, np.inf), reference, bins=2) == outside
    assert binned_divergence([*[0.1] * 9, np.nan], reference, bins=2) < outside


def test_half_outside_costs_log_2():
    """Nobody leaves for nothing: the shares inside are halved."""
    reference = np.linspace(0, 1, 1000)
    generated = np.concatenate([reference, reference + 5])
    assert binned_divergence(generated, reference, bins=10) == pytest.approx(np.log(2), abs=1e-6)


@given(st.floats(0.1, 1e6), st.floats(-1e6, 1e6))
def test_units_do_not_matter(scale, offset):
    rng = np.random.default_rng(0)
    x, y = rng.uniform(size=(50, 2)), rng.uniform(size=(60, 2))
    y[:2] = [0, 0], [1, 1]  # x lies within
    # Bins whose edges no sample is near, so that rounding moves none across.
    assert binned_divergence(scale * x + offset, scale * y + offset, 7) == pytest.approx(
        binned_divergence(x, y, 7), abs=1e-6
    )


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_mixtures_of_two_gaussian_clouds(shift):
    """N(0, I) and N(m, I), each smoothed by N(0, I): the divergence of N(0, 2 I) from N(m, 2 I) is m^2 / 4."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(4000, 4)), rng.normal(size=(4000, 4))
    x[:, 0] += shift
    assert mixture_divergence(x, y) == pytest.approx(shift**2 / 4, abs=0.08)
    assert state_space_divergence(x, y) == mixture_divergence(x, y)


def test_mixtures_of_clouds_of_other_widths():
    """Of N(0, 2) from N(0, 1 + 9): (2 / 10 - 1 - log(2 / 10)) / 2 per output."""
    rng = np.random.default_rng(2)
    x, y = 3 * rng.normal(size=(6000, 4)), rng.normal(size=(6000, 4))
    expected = 4 * 0.5 * (0.2 - 1 - np.log(0.2))
    assert mixture_divergence(x, y) == pytest.approx(expected, abs=0.15)


def test_mixtures_far_away_are_not_left_out():
    """All densities underflow; as logarithms they do not: E|z - m|^2 / 2 - E|z - x|^2 / 2 of the nearest."""
    x, y = np.zeros((100, 4)), np.random.default_rng(0).normal(size=(100, 4))
    x[:, 0] = 1000 * y[:, 0].std() + y[:, 0].mean()
    assert mixture_divergence(x, y) == pytest.approx(1000**2 / 2, rel=0.01)
    assert mixture_divergence(np.full((100, 4), np.nan), y) == np.inf


def test_incomplete_samples_of_the_reference_are_not_used():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(size=(40, 2)), rng.uniform(size=(50, 2))
    gappy = np.concatenate([y, [[np.nan, 0.5], [99.0, np.nan]]])
    assert binned_divergence(x, gappy, 5) == binned_divergence(x, y, 5)


@pytest.mark.parametrize(
    ("generated", "reference", "words"),
    [
        (np.ones((4, 2)), np.ones((4, 3)), "generated: expected the reference's 3 outputs, got 2."),
        (
            np.ones(4),
            np.ones(4),
            "reference: output 0 never changes, so there is nothing to compare; leave it out.",
        ),
        (
            np.ones((4, 2)),
            np.array([[np.nan, 1.0], [1.0, np.nan]]),
            "reference: no sample has all of its outputs measured; leave out the one that has gaps.",
        ),
        ("text", np.ones(4), "generated: expected numbers (time, output), got str."),
        (
            np.ones((4, 2, 2)),
            np.arange(8.0).reshape(4, 2),
            "generated: expected shape (time,) or (time, output), got (4, 2, 2).",
        ),
    ],
)
def test_what_is_refused(generated, reference, words):
    with pytest.raises(ArgumentError) as error:
        state_space_divergence(generated, reference)
    assert str(error.value) == words
