"""Forecasts of a LinearStateSpace and its discretisation, against the joint Gaussian and scipy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.models import LinearStateSpace
from dynlearn.numerics import precision
from dynlearn.numerics.linear.discretisation import discretised

from .reference import Joint, build, dataset, linear, van_loan

KINDS = {
    "discrete linear hold": {"n": 2, "p": 2, "m": 1, "feed": True, "hold": "linear"},
    "continuous linear hold": {"n": 2, "p": 2, "m": 1, "continuous": True, "hold": "linear"},
}
CONTEXT, AHEAD = 6, 3


@pytest.mark.first(1)
@pytest.mark.parametrize("kind", KINDS)
def test_forecasts_are_those_of_the_joint_gaussian(kind):
    """Means and variances given the context (with gaps, shorter than the memory), in double precision."""
    rng = np.random.default_rng(1)
    with precision.float64():
        model = build(rng, **KINDS[kind])
        ds = dataset(rng, model, (CONTEXT + AHEAD,), 0.3)
        later = ds.isel(time=slice(CONTEXT, None))
        fc = dl.forecast(
            model, ds.isel(time=slice(0, CONTEXT)), times=later["t"].values.reshape(1, -1),
            controls=later["control"], samples=4000, key=0,
        )  # fmt: skip
        rows, y = linear(model, ds, 0)
    y[CONTEXT:] = np.nan
    _, _, mean, cov, _ = Joint.of(rows).given(y)
    mean = mean.reshape(y.shape)[CONTEXT:]
    cov = cov[-2 * AHEAD :, -2 * AHEAD :]
    spread = np.sqrt(np.diag(cov))
    np.testing.assert_allclose(fc["output_mean"][0], mean, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(fc["output_scale"][0], spread.reshape(AHEAD, 2), rtol=1e-8)
    # Draws are joint, over time and outputs: within 5 standard errors.
    drawn = fc["output"].transpose("sample", "trajectory", "time", "output_name").values.reshape(4000, -1)
    error = np.sqrt((np.outer(spread, spread) ** 2 + cov**2) / 4000)
    assert (np.abs(np.cov(drawn.T) - cov) < 5 * error).all()


def test_matrices_come_back_from_matrices():
    rng = np.random.default_rng(0)
    for options in ({}, {"continuous": True, "feed": True}):
        model = build(rng, 2, 2, 1, **options)
        again = LinearStateSpace.from_matrices(
            model.signature, model.matrices(), offsets=model.offsets(), scaling=model.scaling
        )
        for ours, theirs in ((model.matrices(), again.matrices()), (model.offsets(), again.offsets())):
            assert list(ours) == list(theirs)
            for name in ours:
                np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("dt", [0.0, 1e-3, 0.7, 30.0, 3000.0])
def test_discretisation_is_exact(dt):
    """Against scipy's exponential; over long intervals the covariance against the stationary one."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(3, 3))
    A = A - (np.linalg.eigvals(A).real.max() + 0.2) * np.eye(3)
    L = np.tril(rng.normal(size=(3, 3)))
    B = rng.normal(size=(3, 2))
    with precision.float64():
        F, G, ramp, chol = map(np.asarray, discretised(*map(jnp.asarray, (A, B, L)), jnp.asarray(dt)))
    for found, other in zip((F, G, ramp, chol @ chol.T), van_loan(A, B, L @ L.T, dt), strict=True):
        np.testing.assert_allclose(found, other, rtol=1e-9, atol=1e-11)


def test_gradients_through_an_interval_of_no_length_are_finite():
    def value(A, dt):
        F, G, ramp, chol = discretised(A, jnp.ones((2, 1)), jnp.eye(2), dt)
        return F.sum() + G.sum() + ramp.sum() + (chol @ chol.T).sum()

    slope = jax.jit(jax.grad(value))(jnp.array([[0.0, 1.0], [0.0, 0.0]]), jnp.zeros(()))
    assert np.isfinite(slope).all()


@pytest.mark.slow
def test_a_prior_is_washed_out_by_the_memory():
    """A window that starts in the middle of a run forecasts like the whole run."""
    rng = np.random.default_rng(3)
    model = build(rng, 2, 2, 1)
    model = LinearStateSpace(model.signature, model.scaling, model.system, model.interval, 60, True)
    ds = dataset(rng, model, (120,), 0.1)
    u = np.zeros((3, 1))
    long = dl.forecast(model, ds, horizon=3, controls=u, samples=1)
    short = dl.forecast(model, ds.isel(time=slice(60, None)), horizon=3, controls=u, samples=1)
    np.testing.assert_allclose(long["output_mean"], short["output_mean"], rtol=1e-3, atol=1e-3)
