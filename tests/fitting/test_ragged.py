"""Runs of very unequal length are held as pieces: windows, fits and forecasts are those of the padded runs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.fitting.cross_fitting import errors_left_out
from dynlearn.fitting.examples import Examples
from dynlearn.fitting.methods.least_squares import refitted
from dynlearn.fitting.methods.series import series
from dynlearn.inference import border
from dynlearn.models import Scaling
from dynlearn.trajectories.device import ragged as ragged_

NEVER = 2**62


@pytest.fixture(scope="module")
def ragged():
    """A long run beside short ones, gaps included."""
    rng = np.random.default_rng(0)
    runs = []
    for n in (150, 6, 3, 9, 5, 4, 12, 2, 6):
        u, y = rng.normal(size=n), np.zeros(n)
        for k in range(1, n):
            y[k] = 0.8 * y[k - 1] + 0.5 * u[k - 1] + 0.05 * rng.normal()
        runs.append((y, u))
    runs[0][0][[40, 41, 90]] = np.nan
    return dl.from_arrays([y for y, _ in runs], [u for _, u in runs], dt=0.5)


@pytest.fixture
def both(monkeypatch):
    """What a function gives with the runs in pieces, and padded."""

    def call(work):
        monkeypatch.setattr(ragged_, "SMALL", 0)
        pieces = work()
        monkeypatch.setattr(ragged_, "SMALL", NEVER)
        return pieces, work()

    return call


def equal(a, b):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(("memory", "horizon"), [(1, 1), (4, 3), (20, 10)])
def test_the_windows_of_a_fit_are_the_same_in_the_same_order(ragged, both, memory, horizon):
    model = dl.models.Persistence.from_data(ragged, memory=memory)
    pieces, padded = both(lambda: Examples.of(model, ragged, horizon, "test"))
    assert pieces.runs.valid.size < padded.runs.valid.size
    equal(*(found.take(jnp.arange(padded.size)) for found in (pieces, padded)))
    assert pieces.size == padded.size


def test_a_regression_and_its_calibration_are_the_same(ragged, both):
    def fitted():
        model = dl.models.ARX.from_data(ragged, delays=0)
        return dl.fit(model, ragged, ragged, progress=False).model

    pieces, padded = both(fitted)
    for a, b in zip(jax.tree.leaves(pieces), jax.tree.leaves(padded), strict=True):
        # The mean over the values adds them in another order.
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert np.allclose(pieces.weights[0, 0], 0.8, atol=0.1)


def test_scaling_counts_every_value_once(ragged, both):
    pieces, padded = both(lambda: Scaling.of(ragged))
    for a, b in zip(jax.tree.leaves(pieces), jax.tree.leaves(padded), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    np.testing.assert_allclose(pieces.output_mean, np.nanmean(ragged["output"].values), rtol=1e-6)


def test_forecasts_are_the_same(ragged, both):
    context = ragged.sel(trajectory=[0, 1, 3, 4, 5, 6, 8])
    model = dl.fit(dl.models.ARX.from_data(ragged, delays=1), ragged, progress=False).model
    u = np.ones((3, 1))
    pieces, padded = both(lambda: dl.forecast(model, context, 3, controls=u, samples=2))
    equal(pieces["output"].values, padded["output"].values)
    equal(pieces["output_mean"].values, padded["output_mean"].values)


def test_em_is_the_same_from_groups_of_similar_length(ragged, both):
    def fitted():
        model = dl.models.LinearStateSpace.from_data(ragged, states=1)
        return dl.fit(model, ragged, method=dl.fitting.EM(steps=4), progress=False)

    pieces, padded = both(fitted)
    np.testing.assert_allclose(
        pieces.statistics["log_likelihood"], padded.statistics["log_likelihood"], rtol=1e-6
    )
    for name, value in padded.model.matrices().items():
        np.testing.assert_allclose(pieces.model.matrices()[name], value, rtol=1e-5, atol=1e-7)


def test_likelihoods_and_series_stay_with_their_runs(ragged, both):
    model = dl.models.LinearStateSpace.from_data(ragged, states=1)
    pieces, padded = both(lambda: dl.log_likelihood(model, ragged))
    assert pieces["trajectory"].values.tolist() == ragged["trajectory"].values.tolist()
    np.testing.assert_allclose(pieces, padded, rtol=1e-10)
    (outputs, controls), others = both(
        lambda: series(model.scaling, *border.groups_of(ragged, feedthrough=False))
    )
    assert [len(y) for y in outputs] == ragged.dyn.lengths.tolist()
    equal((outputs, controls), others)


def test_maximum_likelihood_sums_the_groups(ragged, both):
    model = dl.models.LinearStateSpace.from_data(ragged, states=1)
    method = dl.fitting.MaximumLikelihood(steps=1)
    pieces, padded = both(lambda: dl.fit(model, ragged, method=method, progress=False))
    np.testing.assert_allclose(pieces.history["output"], padded.history["output"], rtol=1e-8)


def test_errors_of_parts_left_out_are_those_of_the_runs(ragged, both):
    """Each window is forecast by the fit that did not see its run, not its piece."""
    model = dl.models.ARX.from_data(ragged, delays=0)
    pieces, padded = both(lambda: errors_left_out(model, ragged, lambda ds: refitted(model, ds, 0.0), 3))
    for a, b in zip(pieces, padded, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
