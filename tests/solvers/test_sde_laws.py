"""Laws of solutions, by Monte Carlo, against closed forms: each within five standard errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from dynlearn.solvers import StochasticStep, solve_sde

FIVE = 5.0


def paths_of(drift, diffusion, x0, times, paths, solver, **options):
    @jax.jit
    def run(keys):
        return jax.vmap(
            lambda key: solve_sde(drift, diffusion, x0, times, key=key, solver=solver, **options).states[:, 0]
        )(keys)

    return np.asarray(run(jax.random.split(jax.random.key(0), paths)), float)


def check_mean(samples, truth, slack=0.0):
    error = samples.std(0) / np.sqrt(len(samples))
    assert (np.abs(samples.mean(0) - truth) <= FIVE * error + slack).all()


def test_ornstein_uhlenbeck():
    """dx = -k x dt + s dW: mean, variance and autocovariance at all pairs of instants."""
    k, s, start, times = 1.5, 0.8, 2.0, np.linspace(0, 2, 9)
    x = paths_of(
        lambda t, x, u, p: -k * x,
        lambda t, x, u, p: s * jnp.ones((1, 1)),
        jnp.array([start]),
        jnp.asarray(times),
        8000,
        # Order 1.5: its bias is far below the Monte Carlo error.
        StochasticStep("sra1", 8),
        noise="additive",
    )
    mean = start * np.exp(-k * times)
    t, r = np.meshgrid(times, times)
    covariance = s**2 / (2 * k) * (np.exp(-k * np.abs(t - r)) - np.exp(-k * (t + r)))
    check_mean(x, mean, 1e-3)
    products = (x - mean)[:, :, None] * (x - mean)[:, None, :]
    check_mean(products, covariance, 1e-3)


def test_double_well():
    """dx = -V'(x) dt + s dW has the stationary density exp(-2 V / s^2); V = (x^2 - 1)^2 / 4, moments by quadrature."""
    s = 0.9
    x = paths_of(
        lambda t, x, u, p: x - x**3,
        lambda t, x, u, p: jnp.full((1, 1), s),
        jnp.zeros(1),
        jnp.array([0.0, 12.0]),
        6000,
        StochasticStep("sra1", 240),
        noise="additive",
    )[:, -1]

    def moment(n):
        def weighted(y):
            return y**n * np.exp(-((y**2 - 1) ** 2) / (2 * s**2))

        return scipy.integrate.quad(weighted, -5, 5)[0]

    for n in range(1, 5):
        check_mean(x**n, moment(n) / moment(0), 2e-3)


def test_geometric_brownian_motion_in_both_calculi():
    """E x(1): exp(m) where m dt is Itô's, exp(m + s^2/2) where it is Stratonovich's; Heun and Milstein."""
    m, s = 0.3, 0.5
    for calculus, truth in (("ito", np.exp(m)), ("stratonovich", np.exp(m + s**2 / 2))):
        for scheme in ("heun", "milstein"):
            x = paths_of(
                lambda t, x, u, p: m * x,
                lambda t, x, u, p: s * x,
                jnp.ones(1),
                jnp.array([0.0, 1.0]),
                8000,
                StochasticStep(scheme, 32),
                calculus=calculus,
            )[:, -1]
            check_mean(x, truth, 5e-3)


@pytest.mark.parametrize("scheme", ["euler_maruyama", "sra1"])
def test_additive_noise_grows_with_time_and_not_with_anything_else(scheme):
    """dx = G dW from 2 to 6, in uneven intervals: Cov x(t), x(s) = G G^T min(t - 2, s - 2)."""
    G, times = np.array([[0.5, 0.2], [0.0, 0.3]]), jnp.array([2.0, 2.5, 4.0, 6.0])

    def path(key):
        still, noise = (lambda t, x, u, p: 0 * x), (lambda t, x, u, p: jnp.asarray(G, x.dtype))
        solver = StochasticStep(scheme, 2)
        return solve_sde(still, noise, jnp.zeros(2), times, key=key, noise="additive", solver=solver).states

    x = np.asarray(jax.jit(jax.vmap(path))(jax.random.split(jax.random.key(0), 8000)))[:, 1:]
    lead = np.array([0.5, 2.0, 4.0])
    wanted = np.kron(np.minimum(lead[:, None], lead), G @ G.T)
    np.testing.assert_allclose(np.cov(x.reshape(8000, 6).T), wanted, atol=0.08)
