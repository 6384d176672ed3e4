"""Distributions against their definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from dynlearn.errors import ArgumentError
from dynlearn.numerics.distributions import Gaussian, Mixture
from dynlearn.numerics.keys import as_key

MEAN = np.array([[0.0, 3.0], [1.0, -1.0], [4.0, 0.5]])
SCALE = np.array([[1.0, 0.1], [0.5, 2.0], [0.2, 1.0]])


def mixture(batch: tuple[int, ...] = ()) -> Mixture:
    """Three components of two outputs, repeated over leading axes."""
    return Mixture(Gaussian(*(jnp.broadcast_to(jnp.asarray(a), (*batch, 3, 2)) for a in (MEAN, SCALE))))


def test_a_mixture_has_the_moments_and_density_of_its_definition():
    y = np.array([0.3, 0.4])
    each = scipy.stats.norm.pdf(y, MEAN, SCALE)
    np.testing.assert_allclose(mixture().log_prob(jnp.asarray(y)), np.log(each.mean(0)), rtol=1e-4)
    np.testing.assert_allclose(mixture().mean, MEAN.mean(0), rtol=1e-5)
    second = (SCALE**2 + MEAN**2).mean(0)
    np.testing.assert_allclose(mixture().variance, second - MEAN.mean(0) ** 2, rtol=1e-4)
    np.testing.assert_allclose(mixture().scale, np.sqrt(second - MEAN.mean(0) ** 2), rtol=1e-4)


def test_components_count_by_their_weights():
    """0.7, 0.2, 0.1, not normalised: moments, density, and which component a sample comes from."""
    w, y = np.array([0.7, 0.2, 0.1]), np.array([0.3, 0.4])
    law = Mixture(mixture().components, jnp.log(3 * w))
    mean, second = w @ MEAN, w @ (SCALE**2 + MEAN**2)
    np.testing.assert_allclose(law.mean, mean, rtol=1e-5)
    np.testing.assert_allclose(law.scale, np.sqrt(second - mean**2), rtol=1e-4)
    each = scipy.stats.norm.pdf(y, MEAN, SCALE)
    np.testing.assert_allclose(law.log_prob(jnp.asarray(y)), np.log(w @ each), rtol=1e-4)
    assert float(law.joint(jnp.asarray(y))) == pytest.approx(np.log(w @ each.prod(1)), rel=1e-4)
    assert float(law.effective_size) == pytest.approx(1 / (w**2).sum(), rel=1e-5)
    draws = np.asarray(jax.vmap(law.sample)(jax.random.split(jax.random.key(0), 20_000)))
    spread = np.sqrt(second - mean**2)
    assert (np.abs(draws.mean(0) - mean) < 5 * spread / np.sqrt(len(draws))).all()


def test_leading_axes_are_instants_not_components():
    """A rollout stacks instants before the component axis: nothing may be averaged over them."""
    stacked = mixture((5, 4))
    assert stacked.mean.shape == stacked.variance.shape == stacked.scale.shape == (5, 4, 2)
    np.testing.assert_allclose(stacked.mean[2, 1], mixture().mean)
    y = jnp.ones((5, 4, 2))
    np.testing.assert_allclose(stacked.log_prob(y)[4, 3], mixture().log_prob(y[0, 0]), rtol=1e-6)
    assert stacked.sample(jax.random.key(0)).shape == (5, 4, 2)


def test_samples_follow_the_mixture():
    """Within 5 standard errors of the mean of 20000 draws, 5 % in the variance."""
    draws = np.asarray(jax.vmap(mixture().sample)(jax.random.split(jax.random.key(0), 20_000)))
    variance = np.asarray(mixture().variance)
    assert (np.abs(draws.mean(0) - mixture().mean) < 5 * np.sqrt(variance / len(draws))).all()
    np.testing.assert_allclose(draws.var(0), variance, rtol=0.05)
    pooled = np.asarray(mixture((20_000,)).sample(jax.random.key(1)))
    np.testing.assert_allclose(pooled.var(0), variance, rtol=0.05)


@pytest.mark.parametrize(
    "key", [7, np.int64(7), jax.random.key(7), jax.random.PRNGKey(7)], ids=["int", "numpy", "typed", "old"]
)
def test_the_same_randomness_in_every_spelling(key):
    assert as_key(key) == jax.random.key(7)


@pytest.mark.parametrize(
    "key", [None, 0.5, True, "0", np.zeros(2, np.uint32), jax.random.split(jax.random.key(0))], ids=str
)
def test_other_keys_are_refused(key):
    with pytest.raises(ArgumentError, match=r"key: expected an int or a JAX key"):
        as_key(key)
