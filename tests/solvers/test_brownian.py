"""Brownian paths: their law, their reproducibility, and that a finer grid shows the same path."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.errors import ArgumentError
from dynlearn.solvers import brownian_areas, brownian_increments
from dynlearn.solvers.sde._bridge import Cells, drawn, refined, through_knots

LENGTHS = np.array([0.5, 0.0, 2.0, 1.0])
PATHS = 20_000
FIVE = 5.0
"""Standard errors: a true statement fails once in two million."""


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def keys(count=PATHS, seed=0):
    return jax.random.split(jax.random.key(seed), count)


def check_law(samples, covariance):
    """`samples` (path, component) against N(0, covariance), each moment within five standard errors."""
    n = len(samples)
    scale = np.sqrt(np.diag(covariance))
    assert (np.abs(samples.mean(0)) <= FIVE * scale / np.sqrt(n) + 1e-12).all()
    # Var of x y for Gaussians: var(x) var(y) + cov^2.
    error = np.sqrt((np.outer(scale, scale) ** 2 + covariance**2) / n)
    assert (np.abs(samples.T @ samples / n - covariance) <= FIVE * error + 1e-12).all()


@pytest.mark.parametrize("substeps", [1, 2, 3, 6])
def test_law_of_increments(substeps):
    draw = jax.jit(jax.vmap(lambda key: brownian_increments(key, LENGTHS[2:], 1, substeps=substeps)))
    samples = np.asarray(draw(keys()), float).reshape(PATHS, -1)
    check_law(samples, np.diag(np.repeat(LENGTHS[2:] / substeps, substeps)))


@pytest.mark.parametrize("substeps", [1, 2, 3, 6])
def test_law_of_areas(substeps):
    def draw(key):
        path = brownian_areas(key, LENGTHS[2:], 1, substeps=substeps)
        return jnp.concatenate([path.W.ravel(), path.H.ravel()])

    h = np.repeat(LENGTHS[2:] / substeps, substeps)
    check_law(np.asarray(jax.jit(jax.vmap(draw))(keys()), float), np.diag(np.concatenate([h, h / 12])))


@pytest.mark.parametrize("levy", [False, True])
def test_law_through_knots(levy):
    times, edges = jnp.array([0.0, 1.0, 1.0, 3.0]), jnp.array([0.0, 0.2, 0.7, 1.0, 1.0, 2.5, 2.5, 3.0, 3.0])

    def draw(key):
        whole = drawn(key, jnp.diff(times), 1, levy=levy)
        cells = Cells.between(edges, times)
        fine = refined(through_knots(whole, key, times, cells), key, cells, 2)
        return jnp.moveaxis(fine, 2, 0).ravel()

    h = np.repeat(np.diff(edges) / 2, 2)
    law = np.diag(np.concatenate([h, h / 12] if levy else [h]))
    check_law(np.asarray(jax.jit(jax.vmap(draw))(keys()), float), law)


def test_several_motions_are_independent():
    samples = jax.jit(jax.vmap(lambda key: brownian_increments(key, jnp.ones(1), 3)))(keys())
    check_law(np.asarray(samples, float).reshape(PATHS, 3), np.eye(3))


@pytest.mark.first(4)
@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("levy", [False, True])
@pytest.mark.parametrize("substeps", [2, 3, 4, 5, 12])
def test_increments_over_an_interval_do_not_depend_on_substeps(substeps, levy):
    draw = (lambda *a, **o: brownian_areas(*a, **o).W) if levy else brownian_increments
    whole = brownian_increments(1, LENGTHS, 2)
    parts = draw(1, LENGTHS, 2, substeps=substeps)
    assert parts.shape == (4, substeps, 2)
    np.testing.assert_allclose(parts.sum(1), whole[:, 0], atol=1e-14)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("substeps", [1, 2, 3, 6])
def test_twice_the_substeps_are_the_same_path_seen_finer(substeps):
    coarse = brownian_increments(1, LENGTHS, 2, substeps=substeps)
    fine = brownian_increments(1, LENGTHS, 2, substeps=2 * substeps)
    np.testing.assert_allclose(fine.reshape(4, substeps, 2, 2).sum(2), coarse, atol=1e-14)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("substeps", [1, 3, 4])
def test_areas_are_consistent_under_halving(substeps):
    coarse = brownian_areas(1, LENGTHS, 2, substeps=substeps)
    fine = brownian_areas(1, LENGTHS, 2, substeps=2 * substeps)
    W, H = (a.reshape(4, substeps, 2, 2) for a in (fine.W, fine.H))
    np.testing.assert_allclose(W.sum(2), coarse.W, atol=1e-14)
    np.testing.assert_allclose(H.mean(2) + (W[:, :, 0] - W[:, :, 1]) / 4, coarse.H, atol=1e-14)


@pytest.mark.usefixtures("double")
def test_an_area_is_the_integral_of_the_path():
    """H from its definition, with the path resolved by 3 * 1024 pieces and the trapezoidal rule."""
    h = 2.0
    whole = brownian_areas(5, jnp.array([h]), 1)
    fine = brownian_areas(5, jnp.array([h]), 1, substeps=3072).W.ravel()
    path = np.concatenate([[0.0], np.cumsum(fine)])
    straight = np.linspace(0, 1, 3073) * path[-1]
    assert np.trapezoid(path - straight, dx=1 / 3072) == pytest.approx(float(whole.H[0, 0, 0]), abs=2e-3)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("levy", [False, True])
def test_knots_refine_the_path_over_the_instants(levy):
    times, edges = jnp.array([0.0, 1.0, 3.0]), jnp.array([0.0, 0.3, 1.0, 1.5, 2.5, 3.0])

    @jax.jit
    def draw(key):
        whole = drawn(key, jnp.diff(times), 2, levy=levy)
        return whole[:, 0, 0], through_knots(whole, key, times, Cells.between(edges, times))[:, 0, 0]

    whole, fine = draw(jax.random.key(3))
    np.testing.assert_allclose(fine[:2].sum(0), whole[0], atol=1e-14)
    np.testing.assert_allclose(fine[2:].sum(0), whole[1], atol=1e-14)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("levy", [False, True])
def test_knots_that_add_nothing_move_nothing(levy):
    """At instants, twice, or outside (where they are moved to the ends)."""
    times, edges = jnp.array([0.0, 1.0, 1.0, 3.0]), jnp.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 3.0, 3.0])

    @jax.jit
    def draw(key):
        whole, cells = drawn(key, jnp.diff(times), 2, levy=levy), Cells.between(edges, times)
        found = refined(through_knots(whole, key, times, cells), key, cells, 6)
        return refined(whole, key, Cells.whole(jnp.diff(times)), 6), found

    plain, found = draw(jax.random.key(3))
    np.testing.assert_allclose(found[jnp.array([2, 5])], plain[jnp.array([0, 2])], atol=1e-14)


def test_more_intervals_leave_the_earlier_ones_alone():
    short = brownian_increments(7, jnp.ones(5), 3, substeps=6)
    long = brownian_increments(7, jnp.ones(8), 3, substeps=6)
    np.testing.assert_array_equal(long[:5], short)


def test_the_key_decides():
    a, b, c = (brownian_increments(key, jnp.ones(4), 1) for key in (0, jax.random.key(0), 1))
    np.testing.assert_array_equal(a, b)
    assert not np.isclose(a, c).any()


def test_intervals_of_no_length_have_no_increments_and_a_gradient():
    for substeps in (1, 6):
        path = brownian_areas(0, LENGTHS, 2, substeps=substeps)
        assert not np.any(path.W[1])
        assert not np.any(path.H[1])
        slope = jax.grad(lambda h, n=substeps: (brownian_areas(0, h, 2, substeps=n).W ** 2).sum())(
            jnp.asarray(LENGTHS)
        )
        assert np.isfinite(slope).all()
        assert slope[1] == 0


def test_no_intervals_at_all():
    assert brownian_increments(0, jnp.zeros(0), 2, substeps=4).shape == (0, 4, 2)


def test_a_batch_is_what_its_members_are():
    lengths = jnp.asarray(np.random.default_rng(0).uniform(0.1, 1, (3, 4)))
    draw = lambda key, h: brownian_increments(key, h, 2, substeps=4)  # noqa: E731
    batch = jax.vmap(draw)(keys(3), lengths)
    for i, key in enumerate(keys(3)):
        np.testing.assert_allclose(batch[i], draw(key, lengths[i]), rtol=1e-6)


def test_precision_follows_the_intervals():
    assert brownian_increments(0, jnp.ones(2), 1).dtype == jnp.float32
    with jax.enable_x64(True):
        assert brownian_increments(0, jnp.ones(2), 1).dtype == jnp.float64
        assert brownian_increments(0, jnp.ones(2, jnp.float32), 1).dtype == jnp.float32


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        ((0, jnp.ones((2, 3)), 1), {}, r"shape \(interval,\), got shape \(2, 3\); batch with jax.vmap"),
        ((0, jnp.ones(2), 0), {}, "noise_size: expected an integer >= 1, got 0"),
        ((0, jnp.ones(2), 1), {"substeps": 1.5}, "substeps: expected an integer >= 1, got 1.5"),
        ((0, -jnp.ones(2), 1), {}, "intervals: expected lengths >= 0, got -1"),
        (("a", jnp.ones(2), 1), {}, "key: expected an int or a JAX key, got 'a'"),
    ],
)
def test_bad_input(arguments, options, text):
    with pytest.raises(ArgumentError, match=text):
        brownian_increments(*arguments, **options)
