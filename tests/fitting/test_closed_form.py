"""LeastSquares and calibration."""

import jax
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError
from dynlearn.fitting import LeastSquares, Reason
from dynlearn.models import Ensemble
from dynlearn.parts.liftings.fourier import Fourier


@pytest.fixture(scope="module")
def noisy(make_linear):
    return make_linear(noise=0.3), make_linear(seed=5, noise=0.3)


def test_the_ridge_is_the_one_that_forecasts_best(noisy):
    train, valid = noisy
    model = dl.models.Koopman.from_data(train, lifting=Fourier(60))
    method = LeastSquares(ridge=(0.0, 1e-2, 1.0), horizon=8)
    result = dl.fit(model, train, valid, method, progress=False, calibration_horizon=5)
    rows = result.history["output"].values.reshape(-1, 2)
    assert result.reason is Reason.SOLVED
    assert rows[:, 0].tolist() == [0.0, 1e-2, 1.0]
    assert result.statistics["ridge"] == rows[np.nanargmin(rows[:, 1]), 0] > 0
    fixed = dl.fit(
        model,
        train,
        valid,
        LeastSquares(ridge=result.statistics["ridge"]),
        progress=False,
        calibration_horizon=5,
    )
    np.testing.assert_array_equal(fixed.model.A, result.model.A)


def test_without_validation_the_smallest_ridge_is_used_and_it_says_so(noisy):
    result = dl.fit(
        dl.models.ARX.from_data(noisy[0], delays=1),
        noisy[0],
        method=LeastSquares((1e-3, 1.0)),
        progress=False,
    )
    assert result.statistics["ridge"] == 1e-3
    assert result.statistics["calibrated_on"] == "parts of train, each left out of a fit"


def test_a_horizon_that_is_no_number_of_steps_is_refused():
    with pytest.raises(ArgumentError, match=r"LeastSquares: horizon: expected an integer >= 1, got 2.5"):
        LeastSquares(horizon=2.5)


def test_calibration_touches_only_the_error_law(noisy):
    train, valid = noisy
    model = dl.models.Persistence.from_data(train, memory=5)
    result = dl.fit(model, train, valid, progress=False)
    assert result.reason is Reason.CALIBRATED
    assert result.model.memory == 5
    assert float(result.model.noise.spread[0]) > float(model.noise.spread[0])
    dl.validate(result.history)


def test_members_are_calibrated_one_by_one(noisy):
    train, valid = noisy
    model = dl.models.NeuralODE.from_data(train, hidden=0, memory=1, width=4)
    both = dl.fitting.calibrate(Ensemble.of(model, 2), valid, horizon=4)
    one = dl.fitting.calibrate(Ensemble.of(model, 2).member(1), valid, horizon=4)
    for a, b in zip(jax.tree.leaves(both.member(1).noise), jax.tree.leaves(one.noise), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_an_anchor_has_as_much_context_as_the_model_requires(make_linear):
    from dynlearn.fitting.examples import Examples

    ds = make_linear()
    model = dl.models.ContextTiling.from_data(ds, memory=12)
    assert int(Examples.of(model, ds, 3, "train").now.min()) == 11
