"""Scores against their definitions, computed the slow way; what was not measured does not count."""

import warnings

import numpy as np
import pandas as pd
import pytest

import dynlearn as dl
from dynlearn.evaluation import scores
from dynlearn.evaluation._yardsticks import naive_step, spread
from dynlearn.evaluation.summary import _best

EPS = float(np.finfo(float).eps)
rng = np.random.default_rng(0)
Y = rng.normal(size=(5, 4, 2))
Y[rng.random(Y.shape) < 0.2] = np.nan
Y[:, 3, 1] = np.nan
MEAN = rng.normal(size=Y.shape)
DRAWS = MEAN + rng.normal(size=(30, *Y.shape))


def over_windows(value):
    """`value(window, lead, output)` averaged over the windows where the truth is known."""
    out = np.full((4, 2), np.nan)
    for k in range(4):
        for j in range(2):
            found = [value(i, k, j) for i in range(5) if np.isfinite(Y[i, k, j])]
            if found:
                out[k, j] = np.mean(found)
    return out


def test_rmse_and_mae():
    np.testing.assert_allclose(scores.rmse(Y, MEAN) ** 2, over_windows(lambda *i: (Y[i] - MEAN[i]) ** 2))
    np.testing.assert_allclose(scores.mae(Y, MEAN), over_windows(lambda *i: abs(Y[i] - MEAN[i])))


def test_crps_is_the_double_sum():
    def one(i, k, j):
        x = DRAWS[:, i, k, j]
        return np.abs(x - Y[i, k, j]).mean() - np.abs(x[:, None] - x[None]).mean() / 2

    np.testing.assert_allclose(scores.crps(Y, DRAWS), over_windows(one))


def test_energy_is_the_double_sum_over_the_outputs_that_were_measured():
    scale = np.array([2.0, 0.5])
    expected = []
    for k in range(4):
        found = []
        for i in range(5):
            there = np.isfinite(Y[i, k])
            if there.any():
                x, y = (DRAWS[:, i, k] / scale)[:, there], (Y[i, k] / scale)[there]
                pairs = np.linalg.norm(x[:, None] - x[None], axis=-1)
                found.append(np.linalg.norm(x - y, axis=-1).mean() - pairs.mean() / 2)
        expected.append(np.mean(found) if found else np.nan)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(scores.energy(Y, DRAWS, scale), expected)


@pytest.mark.parametrize("offset", [0.0, 1e3, -1e9, 1e12])
def test_an_offset_does_not_make_an_output_constant(offset):
    """Two outputs: numpy adds their rows one by one, so that the mean of equal numbers is another one."""
    y = rng.normal(size=(5000, 20, 2))
    np.testing.assert_allclose(spread(y + offset, EPS), y.std((0, 1)), rtol=1e-3)
    assert np.isnan(spread(np.full_like(y, offset) + 0.1, EPS)).all()


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_coverage_counts_the_measured_values_inside(level):
    def one(i, k, j):
        low, high = np.quantile(DRAWS[:, i, k, j], [0.5 - level / 2, 0.5 + level / 2])
        return float(low <= Y[i, k, j] <= high)

    np.testing.assert_allclose(scores.coverage(Y, DRAWS, level), over_windows(one))


def test_a_lead_nobody_measured_scores_nan_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(scores.rmse(Y, MEAN)[3, 1])
        np.testing.assert_allclose(spread(Y[..., :1], EPS), np.nanstd(Y[..., 0]))
        assert np.isnan(spread(np.full((2, 3, 1), np.nan), EPS)).all()


def test_an_output_that_never_changes_has_no_scale_and_no_part_in_the_energy():
    y = np.stack([Y[..., 0], np.full_like(Y[..., 0], 3.14)], -1)
    draws = np.repeat(y[None], 5, 0) + np.random.default_rng(0).normal(size=(5, *y.shape))
    scale = spread(y, EPS)
    assert np.isnan(scale[1])
    np.testing.assert_array_equal(
        scores.energy(y, draws, scale), scores.energy(y[..., :1], draws[..., :1], scale[:1])
    )


def test_the_naive_step_of_mase_skips_gaps_and_the_ends_of_runs():
    ds = dl.from_arrays([np.array([0.0, 1.0, np.nan, 5.0, 2.0]), np.array([10.0, 12.0])], dt=1.0)
    np.testing.assert_allclose(naive_step(ds), [(1 + 3 + 2) / 3])
    nothing = dl.from_arrays(np.array([0.0, np.nan, 1.0]), dt=1.0)
    assert np.isnan(naive_step(nothing)).all()


def test_perfect_draws_score_zero():
    draws = np.broadcast_to(Y, (10, *Y.shape))
    for name in ("crps", "rmse"):
        found = getattr(scores, name)(Y, draws if name == "crps" else Y)
        np.testing.assert_allclose(found[np.isfinite(found)], 0, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "values", "best"),
    [
        ("crps", [0.3, 0.2, 0.5], "b"),
        ("coverage90", [0.99, 0.88, 0.5], "b"),
        ("coverage50", [0.9, 0.4, 0.56], "c"),
        ("mase", [np.nan, np.inf, 2.0], "c"),
        ("mase", [np.nan, np.nan, np.nan], None),
    ],
)
def test_the_best_is_the_smallest_error_and_the_coverage_nearest_to_its_level(name, values, best):
    assert _best(pd.Series(values, ["a", "b", "c"], name=name)) == best
