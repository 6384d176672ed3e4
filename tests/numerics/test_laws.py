"""Laws of outputs against scipy: densities, totals, moments, samples, joint densities with gaps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats as st

from dynlearn.numerics import precision
from dynlearn.numerics.distributions import (
    Bernoulli,
    Gaussian,
    MultivariateGaussian,
    NegativeBinomial,
    Poisson,
    StudentT,
)

MEAN, SIZE, LOGIT = np.array([0.3, 4.0, 60.0]), np.array([0.7, 3.0, 10.0]), np.array([-3.0, 0.0, 1.5])
CENTRE, WIDTH, FREEDOM = np.array([-1.0, 0.0, 5.0]), np.array([0.2, 1.0, 3.0]), np.array([2.5, 5.0, 30.0])
CHOL = np.array([[1.0, 0.0, 0.0], [0.5, 0.8, 0.0], [-0.3, 0.4, 0.6]])

LAWS = {
    "poisson": (Poisson, (MEAN,), st.poisson(MEAN)),
    "negative binomial": (NegativeBinomial, (MEAN, SIZE), st.nbinom(SIZE, SIZE / (SIZE + MEAN))),
    "bernoulli": (Bernoulli, (LOGIT,), st.bernoulli(1 / (1 + np.exp(-LOGIT)))),
    "student t": (StudentT, (CENTRE, WIDTH, FREEDOM), st.t(FREEDOM, CENTRE, WIDTH)),
    "gaussian": (Gaussian, (CENTRE, WIDTH), st.norm(CENTRE, WIDTH)),
    "joint": (MultivariateGaussian, (CENTRE, CHOL), st.norm(CENTRE, np.linalg.norm(CHOL, axis=1))),
}
laws = pytest.mark.parametrize("name", LAWS)
DISCRETE = {"poisson", "negative binomial", "bernoulli"}


@pytest.fixture(autouse=True)
def double():
    with precision.float64():
        yield


def both(name):
    kind, parameters, peer = LAWS[name]
    return kind(*map(jnp.asarray, parameters)), peer


def values(name, peer):
    if name in DISCRETE:
        return np.arange(2.0 if name == "bernoulli" else 2000.0)[:, None] * np.ones(3)
    return peer.mean() + peer.std() * np.linspace(-6, 6, 41)[:, None]


@laws
def test_densities_and_moments_are_scipys(name):
    law, peer = both(name)
    y = values(name, peer)
    expected = peer.logpmf(y) if name in DISCRETE else peer.logpdf(y)
    np.testing.assert_allclose(law.log_prob(jnp.asarray(y)), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(law.mean, peer.mean(), rtol=1e-12)
    np.testing.assert_allclose(law.variance, peer.var(), rtol=1e-12)
    np.testing.assert_allclose(law.scale, peer.std(), rtol=1e-12)


@laws
def test_all_that_may_happen_adds_up_to_one(name):
    law, peer = both(name)
    if name in DISCRETE:
        total = np.exp(law.log_prob(jnp.asarray(values(name, peer)))).sum(0)
        np.testing.assert_allclose(total, 1, rtol=1e-9)
        return
    edge = 3000 * peer.std()
    y = peer.mean() + edge * np.sinh(np.linspace(-12, 12, 20_001))[:, None] / np.sinh(12)
    total = scipy.integrate.trapezoid(np.exp(law.log_prob(jnp.asarray(y))), y, axis=0)
    np.testing.assert_allclose(total, 1, rtol=1e-4)


@laws
def test_samples_follow_the_law(name):
    """Means within 5 standard errors of 20000; the share below the median likewise."""
    law, peer = both(name)
    drawn = np.asarray(jax.vmap(law.sample)(jax.random.split(jax.random.key(0), 20_000)))
    assert drawn.shape == (20_000, 3)
    if name in DISCRETE:
        np.testing.assert_array_equal(drawn, np.round(drawn))
    assert (np.abs(drawn.mean(0) - peer.mean()) < 5 * peer.std() / np.sqrt(20_000)).all()
    for level in (0.1, 0.5, 0.9):
        at = peer.ppf(level)
        share = peer.cdf(at)
        error = 5 * np.sqrt(share * (1 - share) / 20_000) + 1e-12
        assert (np.abs((drawn <= at).mean(0) - share) < error).all()


def test_entries_of_a_joint_sample_vary_together():
    law, _ = both("joint")
    drawn = np.asarray(jax.vmap(law.sample)(jax.random.split(jax.random.key(1), 20_000)))
    np.testing.assert_allclose(np.cov(drawn.T), CHOL @ CHOL.T, atol=0.05)


@laws
def test_what_was_not_measured_is_left_out_of_a_joint_density_and_of_its_gradient(name):
    law, peer = both(name)
    y = np.array([1.0, np.nan, 0.0])
    if name == "joint":
        cov = (CHOL @ CHOL.T)[np.ix_([0, 2], [0, 2])]
        expected = st.multivariate_normal(CENTRE[[0, 2]], cov).logpdf(y[[0, 2]])
    else:
        each = peer.logpmf(np.nan_to_num(y)) if name in DISCRETE else peer.logpdf(np.nan_to_num(y))
        expected = each[[0, 2]].sum()
    slope = jax.grad(lambda law: law.joint(jnp.asarray(y)))(law)
    np.testing.assert_allclose(law.joint(jnp.asarray(y)), expected, rtol=1e-10)
    assert float(law.joint(jnp.full(3, jnp.nan))) == pytest.approx(0, abs=1e-12)
    for leaf in jax.tree.leaves(slope):
        assert np.isfinite(leaf).all()
        assert leaf.ndim == 2 or leaf[1] == 0


@pytest.mark.parametrize("name", sorted(DISCRETE))
@pytest.mark.parametrize("y", [-1.0, 0.5])
def test_what_is_no_count_cannot_happen(name, y):
    assert (np.asarray(both(name)[0].log_prob(jnp.full(3, y))) == -np.inf).all()


@laws
def test_gradients_of_densities_are_those_of_finite_differences(name):
    """Central differences; error ~ step^2 + 1e-16 / step is least near step = 1e-5."""
    kind, parameters, _ = LAWS[name]
    y = jnp.asarray([1.0, 0.0, 1.0])
    for i, parameter in enumerate(parameters):

        def value(p, i=i):
            given = [jnp.asarray(q) if j != i else p for j, q in enumerate(parameters)]
            return kind(*given).joint(y)

        slope = jax.grad(value)(jnp.asarray(parameter))
        where = (
            np.argwhere(parameter != 0)[:3] if parameter.ndim == 2 else np.argwhere(parameter == parameter)
        )
        for at in map(tuple, where):
            step = np.zeros_like(parameter)
            step[at] = 1e-5
            numeric = (value(jnp.asarray(parameter + step)) - value(jnp.asarray(parameter - step))) / 2e-5
            np.testing.assert_allclose(slope[at], numeric, rtol=1e-6, atol=1e-7)
