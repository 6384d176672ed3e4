"""Without validation data, the error law of a closed-form fit is that of forecasts of what it was not fitted to."""

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.fitting.cross_fitting import _followed, errors_left_out
from dynlearn.fitting.forecast_errors import ForecastErrors
from dynlearn.fitting.methods.least_squares import refitted

LEFT_OUT = "parts of train, each left out of a fit"


def walks(runs, length, seed=0):
    return np.random.default_rng(seed).normal(size=(runs, length, 1)).cumsum(1)


def predictor(runs):
    """(a, c) of y_{k+1} = a y_k + c, by least squares."""
    x = np.concatenate([y[:-1, 0] for y in runs])
    target = np.concatenate([y[1:, 0] for y in runs])
    return np.polyfit(x, target, 1)


def fitted(ds):
    return dl.fit(dl.models.ARX.from_data(ds, delays=0, ridge=0.0), ds, progress=False)


@pytest.mark.parametrize(("runs", "length"), [(5, 12), (1, 60)])
def test_each_part_is_forecast_by_a_fit_of_the_others(runs, length):
    """Five runs, or five stretches of one, worked out by numpy."""
    y = walks(runs, length)
    ds = dl.from_arrays(y, dt=1.0)
    model = fitted(ds).model
    parts = list(y.reshape(5, 12, 1))

    found = errors_left_out(model, ds, lambda left: refitted(model, left, 0.0), 3)
    for i, part in enumerate(parts):
        a, c = predictor([other for j, other in enumerate(parts) if j != i])
        mean = part[:, 0]
        for lead in range(3):
            mean = a * mean + c
            expected = part[lead + 1 :, 0] - mean[: len(part) - lead - 1]
            rows = slice(11 * i, 11 * i + len(expected))
            residual = np.asarray(model.scaling.output_scale)[0] * found.residual[rows, lead, 0]
            np.testing.assert_allclose(residual, expected, atol=2e-5)
            assert found.measured[rows, lead].all()
    assert found.measured.sum() == 5 * (11 + 10 + 9)


def test_intervals_of_an_integrator_are_as_wide_as_what_comes():
    """A regression takes a wandering for a return to its mean: where it was fitted it is off by too little."""
    ratios, in_sample = [], []
    for seed in range(6):
        y = walks(4, 100, seed)
        ds = dl.from_arrays(y, dt=1.0)
        result = fitted(ds)
        assert result.statistics["calibrated_on"] == LEFT_OUT
        for model, kept in (
            (result.model, ratios),
            (dl.fitting.calibrate(result.model, ds, horizon=100), in_sample),
        ):
            later = dl.from_arrays(walks(50, 21, 100 + seed), dt=1.0)
            forecast = dl.forecast(model, later.isel(time=slice(1)), 20, samples=1)
            off = later["output"].values[:, 20, 0] - forecast["output_mean"].values[..., 19, 0].ravel()
            kept.append((off / forecast["output_scale"].values[..., 19, 0].ravel()).std())
    assert 0.8 < np.median(ratios) < 1.2
    assert np.median(ratios) < 0.95 * np.median(in_sample)


@pytest.mark.parametrize("far", [4.0, np.nan, np.inf])
def test_a_part_whose_forecasts_leave_the_data_is_set_aside(far):
    """Five parts of six windows; a mean square of 16, above 10, or none at all says nothing about the others."""
    fold = np.repeat(np.arange(5), 6)
    residual = np.full((30, 2, 1), 3.0)
    errors = ForecastErrors(residual, np.ones((30, 2)), np.ones((30, 2, 1), bool))
    assert _followed(errors, fold).residual.shape == (30, 2, 1)
    residual[fold == 3] = far
    kept = _followed(errors, fold)
    assert kept.residual.shape == (24, 2, 1)
    assert (kept.residual == 3).all()
    residual[fold == 0] = residual[fold == 1] = far
    assert _followed(errors, fold) is None


def test_too_little_to_leave_any_out_is_said():
    ds = dl.from_arrays(walks(1, 14), dt=1.0)
    result = dl.fit(dl.models.ARX.from_data(ds, delays=2), ds, progress=False)
    assert result.statistics["calibrated_on"] == "train"
