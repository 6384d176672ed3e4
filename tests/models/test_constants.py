"""Channels of one value, also where their mean is rounded: 0.1 added up and divided is not 0.1."""

import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError
from dynlearn.fitting import Gradient, TeacherForcing

VALUES = [7.0, 0.1, 7.3, -20.3, 1e-30 / 3]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("beside", [False, True])
def test_a_constant_output_is_forecast_as_it_is(value, beside):
    """Persistence and ARX, alone and beside an output that changes and whose forecast it does not touch."""
    rng = np.random.default_rng(0)
    changing = np.cumsum(rng.normal(size=(300, 1)), axis=0)
    constant = np.full_like(changing, value)
    y = np.concatenate([constant, changing], axis=1) if beside else constant
    ds, other = dl.from_arrays(y, dt=1.0), dl.from_arrays(changing, dt=1.0)
    for family in (dl.models.Persistence, dl.models.ARX):
        model = dl.fit(family.from_data(ds), ds, progress=False).model
        fc = dl.forecast(model, ds, 5, samples=2)
        np.testing.assert_allclose(fc["output_mean"].values[..., 0], value, rtol=1e-4)
        assert float(fc["output_scale"].values[..., 0].max()) < 1e-3 * abs(value)
        if beside:
            alone = dl.forecast(
                dl.fit(family.from_data(other), other, progress=False).model, other, 5, samples=2
            )
            np.testing.assert_allclose(
                fc["output_mean"].values[..., 1], alone["output_mean"].values[..., 0], rtol=2e-3
            )


SHORT = {"steps": 30, "validate_every": 10, "batch": 4, "learning_rate": 1e-2}
FORCED = TeacherForcing(**SHORT, horizon=8, population=2, free_run=10, free_runs=2)
DESCENT = Gradient(**SHORT, horizon=5)
M = dl.models
TRAINED = {
    "ALRNN": (lambda ds: M.ALRNN.from_data(ds, latent=4, nonlinear=1, memory=4, unforced=3, key=0), FORCED),
    "ALRNN, rectified": (lambda ds: M.ALRNN.from_data(ds, latent=2, nonlinear=2, memory=4, key=0), FORCED),
    "shallow": (lambda ds: M.PLRNN.from_data(ds, form="shallow", latent=3, width=4, memory=4, key=0), FORCED),
    "clipped": (lambda ds: M.PLRNN.from_data(ds, latent=3, width=4, memory=4, key=0), FORCED),
    "dendritic": (lambda ds: M.PLRNN.from_data(ds, form="dendritic", latent=3, width=2, key=0), DESCENT),
    "NeuralMap": (lambda ds: M.NeuralMap.from_data(ds, hidden=1, memory=3, width=6, key=0), DESCENT),
    "NeuralODE": (lambda ds: M.NeuralODE.from_data(ds, hidden=1, memory=3, width=6, key=0), DESCENT),
    "DeepStateSpace": (
        lambda ds: M.DeepStateSpace.from_data(ds, width=4, states=4, layers=1, memory=4, key=0),
        DESCENT,
    ),
}


def beside_a_wave(value, length=80):
    wave = np.sin(0.4 * np.arange(length))
    return dl.from_arrays(np.stack([np.full(length, value), wave], 1), dt=1.0, output_names=["still", "wave"])


@pytest.mark.parametrize("family", TRAINED)
def test_what_is_trained_forecasts_a_constant_output_as_it_is(family):
    """Random weights, and few steps of descent, are off by percents; forecasts of it are exact, and say so."""
    build, method = TRAINED[family]
    for value in (7.3, 0.1, 0.0) if family in ("ALRNN", "NeuralMap") else (7.3,):
        ds = beside_a_wave(value)
        model = dl.fit(build(ds), ds, method=method, progress=False).model
        fc = dl.forecast(model, ds.isel(time=slice(0, 30)), 25, samples=2)
        size = abs(value) or 1.0
        found = fc["output_mean"].sel(output_name="still").values
        np.testing.assert_allclose(found, value, rtol=3e-7, atol=1e-12)
        assert float(fc["output_scale"].sel(output_name="still").max()) < 2e-4 * size
        assert float(fc["output_mean"].sel(output_name="wave").std()) > 0.01


def test_members_of_an_ensemble_and_the_common_form_know_it_too():
    build, method = TRAINED["ALRNN"]
    ds = beside_a_wave(7.3)
    ensemble = dl.fit(dl.models.Ensemble.of(build(ds), 2), ds, method=method, progress=False).model
    for i in range(2):
        model = ensemble.member(i)
        A, V, _, _, h, _ = (np.asarray(part) for part in model.pieces())
        assert (A[0] == 0).all()
        assert (V[0] == 0).all()
        assert abs(h[0]) < 1e-6
        assert np.abs(A[1]).max() > 0.01
    fc = dl.forecast(ensemble, ds.isel(time=slice(0, 30)), 25, samples=2)
    np.testing.assert_allclose(fc["output_mean"].sel(output_name="still"), 7.3, rtol=3e-7)


def test_a_fit_that_goes_on_keeps_what_it_knows_of_an_output_that_stands_still_now():
    """It moved in the earlier data, around another mean."""
    build, method = TRAINED["ALRNN"]
    ds = beside_a_wave(0.5)
    before = ds.copy(deep=True)
    before["output"].values[..., 0] = np.cos(0.4 * np.arange(80))
    result = dl.fit(build(before), before, method=method, progress=False)
    again = dl.fit(result, ds, method=method, progress=False).model
    assert np.abs(np.asarray(again.pieces().A)[0]).max() > 0.01
    fresh = dl.fit(build(ds), ds, method=method, progress=False)
    assert np.abs(np.asarray(dl.fit(fresh, ds, method=method, progress=False).model.pieces().A)[0]).max() == 0


def test_a_given_field_is_the_users_own():
    def field(t, x, u, s):
        return jnp.array([0.1, -x[0]])

    ds = beside_a_wave(7.3)
    model = dl.models.NeuralODE.from_data(ds, hidden=0, memory=1, field=field, key=0)
    assert model.steady(np.array([0.0, np.nan])) is model


@pytest.mark.parametrize("value", [0.3, 0.1, 7.3])
def test_a_constant_control_is_no_matter_of_resolution(value):
    rng = np.random.default_rng(0)
    ds = dl.from_arrays(np.cumsum(rng.normal(size=(60, 1)), 0), np.full((60, 1), value), dt=1.0)
    model = dl.fit(dl.models.ARX.from_data(ds), ds, progress=False).model
    dl.forecast(model, ds, 3, controls=np.full((3, 1), value), samples=2)
    with pytest.raises(ArgumentError, match="throughout the training data"):
        dl.forecast(model, ds, 3, controls=np.full((3, 1), value + 1), samples=2)


def test_a_small_change_around_a_large_mean_is_refused_and_the_remedy_works():
    y = 1e8 + np.sin(np.arange(100.0))[:, None]
    ds = dl.from_arrays(y, dt=1.0)
    with pytest.raises(ArgumentError, match="subtract an offset"):
        dl.fit(dl.models.Persistence.from_data(ds), ds, progress=False)
    near = dl.from_arrays(y - 1e8, dt=1.0)
    dl.fit(dl.models.Persistence.from_data(near), near, progress=False)
