"""Outputs hardly measured, constant, or copies of others: refused by name, or of no harm to the rest."""

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import FitError
from dynlearn.fitting import EM, Gradient, MaximumLikelihood

T = 120


@pytest.fixture(scope="module")
def wave():
    rng = np.random.default_rng(0)
    return np.sin(0.3 * np.arange(T)) + 0.05 * rng.normal(size=T)


def dataset(*columns):
    return dl.from_arrays([np.stack(columns, 1)], dt=1.0)


def linear(ds):
    return dl.models.LinearStateSpace.from_data(ds, states=2, memory=30)


FITS = {
    "arx": (dl.models.ARX.from_data, None),
    "koopman": (dl.models.Koopman.from_data, None),
    "em": (linear, EM(steps=30)),
    "maximum likelihood": (linear, MaximumLikelihood(steps=15)),
    "subspace": (linear, "subspace"),
}


def ahead(fit, ds):
    """Mean and spread of what comes 1 to 10 samples after the data."""
    build, method = FITS[fit]
    model = dl.fit(build(ds), ds, method=method, progress=False).model
    fc = dl.forecast(model, ds, 10, samples=2)
    return fc["output_mean"].values[0], fc["output_scale"].values[0]


@pytest.mark.first(3)
@pytest.mark.parametrize("fit", FITS)
def test_a_copy_and_a_constant_change_nothing(fit, wave):
    """A constant and a second sensor in another scale, beside an output that says it all."""
    mean, scale = ahead(fit, dataset(wave))
    means, scales = ahead(fit, dataset(np.full(T, 7.0), wave, 2 * wave - 3))
    np.testing.assert_allclose(means[:, 1], mean[:, 0], atol=1e-3)
    np.testing.assert_allclose(scales[:, 1], scale[:, 0], rtol=1e-2)
    np.testing.assert_allclose(means[:, 2], 2 * mean[:, 0] - 3, atol=2e-3)
    np.testing.assert_allclose(scales[:, 2], 2 * scale[:, 0], rtol=1e-2)
    np.testing.assert_allclose(means[:, 0], 7.0, atol=1e-5)
    assert (scales[:, 0] < 1e-3).all()


@pytest.mark.parametrize("fit", ["arx", "koopman"])
def test_what_nearly_copies_another_output_does_not_run_away(fit, wave):
    """One quantity in two units, up to noise that float32 just carries: coefficients of 1e5 that balance each other."""
    mean, scale = ahead(fit, dataset(wave))
    nearly = 2 * wave - 3 + 1e-6 * np.random.default_rng(1).normal(size=T)
    means, scales = ahead(fit, dataset(wave, nearly))
    np.testing.assert_allclose(means, np.concatenate([mean, 2 * mean - 3], 1), atol=0.05)
    np.testing.assert_allclose(scales, np.concatenate([scale, 2 * scale], 1), rtol=0.5)


def test_no_ridge_that_is_given_keeps_nearly_equal_outputs_together(wave):
    nearly = wave + 1e-6 * np.random.default_rng(1).normal(size=T)
    ds = dataset(wave, nearly)
    model, method = dl.models.ARX.from_data(ds), dl.fitting.LeastSquares(ridge=0.0)
    with pytest.raises(
        FitError, match=r"nearly determine one another.*ridge=\(0.0,\).*LeastSquares\(ridge=1e-2\)"
    ):
        dl.fit(model, ds, method=method, progress=False)
    dl.fit(model, ds, method=dl.fitting.LeastSquares(ridge=1e-2), progress=False)


@pytest.mark.parametrize("fit", [name for name in FITS if name != "subspace"])
def test_a_series_of_sevens(fit):
    mean, scale = ahead(fit, dataset(np.full(T, 7.0)))
    np.testing.assert_allclose(mean, 7.0, atol=1e-5)
    np.testing.assert_allclose(scale, 7e-4, rtol=0.05)


@pytest.mark.parametrize("method", [EM(steps=2), MaximumLikelihood(steps=2), "subspace"])
def test_it_is_said_which_outputs_say_nothing_and_why(method, wave):
    ds, sevens = dataset(np.full(T, 7.0), wave, 2 * wave - 3), dataset(np.full(T, 7.0))
    found = dl.fit(linear(ds), ds, method=method, progress=False).statistics
    assert (found["constant"], found["follow from the others"]) == (["y0"], ["y2"])
    alone = dl.fit(linear(sevens), sevens, method=method, progress=False)
    assert (alone.statistics["constant"], alone.statistics["follow from the others"]) == (["y0"], [])
    assert alone.statistics["log_likelihood"] == 0.0  # of what is left: no value at all
    assert float(alone.history["output"].sel(output_name="loss").item()) == 0.0


def test_default_states_are_those_of_the_outputs_that_say_something(wave):
    model = dl.models.LinearStateSpace.from_data(dataset(np.full(T, 7.0), wave, 2 * wave))
    assert len(model.state_names) == 2


def hardly(wave, count):
    second = np.full(T, np.nan)
    at = np.random.default_rng(1).permutation(T)[:count]
    second[at] = np.cos(0.3 * at)
    return dataset(wave, second)


@pytest.mark.parametrize(
    "family",
    ["LinearStateSpace", "ARX", "Koopman", "Persistence", "NeuralODE", "NonlinearStateSpace", "SwitchingLinear"],
)  # fmt: skip
def test_an_output_that_was_never_measured_has_no_model(family, wave):
    with pytest.raises(
        FitError, match=r"\['y1'\] were never measured; leave out by ds.sel\(output_name=\['y0'\]\)"
    ):
        getattr(dl.models, family).from_data(hardly(wave, 0))


@pytest.mark.parametrize(
    ("build", "method"),
    [
        (linear, EM(steps=2)),
        (linear, MaximumLikelihood(steps=2)),
        (linear, "subspace"),
        (linear, Gradient(steps=2)),
        (lambda ds: dl.models.NeuralODE.from_data(ds, width=4, key=0), Gradient(steps=2)),
        (lambda ds: dl.models.NonlinearStateSpace.from_data(ds, states=2, width=4, key=0), Gradient(steps=2)),
        (dl.models.Persistence.from_data, None),
    ],
)
def test_a_handful_of_values_is_refused_by_name(build, method, wave):
    ds = hardly(wave, 5)
    with pytest.raises(FitError, match=r"output 'y1' was measured 5 times, this model needs 10 values"):
        dl.fit(build(ds), ds, method=method, progress=False)


def test_coefficients_count(wave):
    ds = hardly(wave, 12)
    model = dl.models.LinearStateSpace.from_data(ds, states=4)
    with pytest.raises(
        FitError, match=r"measured 12 times, this model needs 20 values .*4 coefficients.*fewer states"
    ):
        dl.fit(model, ds, progress=False)


@pytest.mark.slow
def test_few_values_give_wide_intervals(wave):
    """15 values of an output: three quarters of its later values and more lie within the 90 % intervals.

    Those are up to twice as wide as the noise asks for, not wider.
    """
    rng = np.random.default_rng(2)
    k = np.arange(300)
    both = np.stack([np.sin(0.3 * k), np.cos(0.3 * k)], 1) + 0.1 * rng.normal(size=(300, 2))
    few = both[:200].copy()
    few[np.delete(np.arange(200), rng.permutation(200)[:15]), 1] = np.nan
    train = dl.from_arrays([few], dt=1.0)
    model = dl.fit(linear(train), train, method=EM(steps=60), progress=False).model
    fc = dl.forecast(model, train, 100, samples=2)
    error = both[200:, 1] - fc["output_mean"].values[0, :, 1]
    scale = fc["output_scale"].values[0, :, 1]
    assert (np.abs(error) < 1.645 * scale).mean() >= 0.75
    assert scale.max() < 0.22  # of noise of 0.1
    assert error.std() < 0.25


def fitted(family, ds):
    return dl.fit(family.from_data(ds), ds, progress=False)


@pytest.mark.parametrize("family", ["ARX", "Koopman"])
def test_models_of_complete_samples_name_the_output_that_is_missing(family, wave):
    with pytest.raises(
        FitError, match=r"Output 'y1' was measured at 12 of 120 samples: leave it out by ds.sel"
    ):
        fitted(getattr(dl.models, family), hardly(wave, 12))
