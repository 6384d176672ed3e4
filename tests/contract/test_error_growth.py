"""The error law: recovered from synthetic residuals, consistent along sampled paths."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.models import ErrorGrowth


def residuals(sigma, spread, growth, shape, time, windows=4000, leads=40, dt=0.1, seed=0):
    """The process of the docstring, drawn by numpy."""
    rng = np.random.default_rng(seed)
    tau = dt * np.arange(1, leads + 1)
    z = np.empty((windows, leads))
    z[:, 0] = rng.normal(size=windows)
    rho = np.exp(-dt / time)
    for k in range(1, leads):
        z[:, k] = rho * z[:, k - 1] + np.sqrt(1 - rho**2) * rng.normal(size=windows)
    v = spread**2 * (1 - np.exp(-((tau / growth) ** shape)))
    return np.sqrt(v) * z + sigma * rng.normal(size=z.shape), np.broadcast_to(tau, z.shape)


@pytest.mark.parametrize("law", [(0.1, 1.0, 1.0, 2.0, 0.5), (0.3, 0.5, 0.5, 1.0, 2.0)], ids=str)
def test_fit_recovers_the_law(law):
    """The variance at every lead within 10 %; single parameters trade against each other, so only
    measurement noise and spread are asked for on their own."""
    r, lead = residuals(*law)
    rng = np.random.default_rng(1)
    measured = rng.random(r.shape) > 0.2
    found = ErrorGrowth.fit(np.where(measured, r, 1e9)[..., None], lead, measured[..., None])
    sigma, spread, growth, shape, time = law
    tau = lead[0]
    truth = sigma**2 + spread**2 * (1 - np.exp(-((tau / growth) ** shape)))
    fitted = np.asarray(found.sigma) ** 2 + np.array([found.variance(t)[0] for t in tau])
    np.testing.assert_allclose(fitted, truth, rtol=0.1)
    assert float(found.sigma[0]) == pytest.approx(sigma, rel=0.3)
    assert float(found.spread[0]) == pytest.approx(spread, rel=0.15)
    assert float(found.correlation_time[0]) == pytest.approx(time, rel=0.5)


def test_perfect_forecasts_and_no_data_give_finite_laws():
    lead = np.broadcast_to(0.1 * np.arange(1, 11), (20, 10))
    for measured in (np.ones((20, 10, 1), bool), np.zeros((20, 10, 1), bool)):
        found = ErrorGrowth.fit(np.zeros((20, 10, 1)), lead, measured)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found))
        assert float(found.sigma[0]) > 0


@pytest.mark.parametrize("size", [1e-15, 1e17])
def test_a_law_of_residuals_whose_squares_leave_float32(size):
    """The law is that of residuals of size one, times the size; its squares are numbers."""
    r, lead = residuals(0.1, 1.0, 1.0, 2.0, 0.5, windows=200)
    r = (size * r[..., None]).astype(np.float32)
    found = ErrorGrowth.fit(r, lead, np.ones(r.shape, bool))
    assert np.isfinite(found.predictive(jnp.zeros(1), found.start()).scale).all()
    if size > 1:
        far = np.sqrt(
            np.asarray(found.sigma, float) ** 2 + np.asarray(found.variance(jnp.asarray(4.0)), float)
        )
        np.testing.assert_allclose(far, size, rtol=0.15)
        assert np.abs(r).max() < ErrorGrowth.largest()


def test_drawn_errors_have_the_correlation_time():
    one = jnp.ones(1)
    law = ErrorGrowth(0.1 * one, one, 0.5 * one, one, 0.7 * one)

    @jax.jit
    def draw(key):
        def body(error, k):
            error = law.step(error, jnp.asarray(0.1), k)
            return error, error.mean[0]

        return jax.lax.scan(body, law.start(), jax.random.split(key, 20))[1]

    z = np.asarray(jax.vmap(draw)(jax.random.split(jax.random.key(0), 4000)))
    np.testing.assert_allclose(z.std(0), 1.0, atol=0.06)
    correlation = np.mean(z[:, 5:-1] * z[:, 6:])
    assert correlation == pytest.approx(np.exp(-0.1 / 0.7), abs=0.03)


def test_the_interval_of_a_random_walk_grows_with_the_root_of_the_lead():
    """y(h) - y(0) ~ N(0, h): persistence on eight runs, its 90 % intervals held against 200 others."""
    import dynlearn as dl

    rng = np.random.default_rng(0)
    walks = np.cumsum(rng.normal(size=(208, 100)), axis=1)[..., None]
    train = dl.from_arrays(list(walks[:8]), dt=1.0)
    model = dl.fit(dl.models.Persistence.from_data(train), train, progress=False).model
    held_out = dl.from_arrays(list(walks[8:]), dt=1.0)
    fc = dl.forecast(model, held_out.isel(time=slice(0, 60)), 40, samples=2)
    scale = fc["output_scale"].values[0, :, 0]
    np.testing.assert_allclose(scale, np.sqrt(np.arange(1, 41)), rtol=0.2)
    error = walks[8:, 60:] - fc["output_mean"].values
    inside = np.abs(error) < 1.645 * fc["output_scale"].values
    assert 0.85 < inside.mean() < 0.95
