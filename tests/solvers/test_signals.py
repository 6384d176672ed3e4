"""Signals: their values and slopes against other libraries, limits at jumps, ends, gaps, gradients."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.interpolate

from dynlearn.solvers import Cubic, Held, Linear

KNOTS = np.array([0.0, 0.4, 1.5, 1.7, 3.0])
VALUES = np.random.default_rng(0).normal(size=(5, 2))
INSIDE = np.linspace(0.01, 2.99, 80)
KINDS = [Held, Linear, Cubic]


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def along(function, times):
    return np.asarray(jax.jit(jax.vmap(function))(jnp.asarray(times, float)))


def hermite():
    arriving = np.diff(VALUES, axis=0) / np.diff(KNOTS)[:, None]
    return scipy.interpolate.CubicHermiteSpline(KNOTS, VALUES, np.concatenate([arriving[:1], arriving]))


def test_held_and_linear_values_are_those_of_scipy():
    for kind, name in ((Held, "previous"), (Linear, "linear")):
        expected = scipy.interpolate.interp1d(KNOTS, VALUES, name, axis=0)
        for times in (INSIDE, KNOTS):
            np.testing.assert_allclose(along(kind(KNOTS, VALUES), times), expected(times), atol=1e-14)


def test_slopes_are_those_of_the_values():
    """At a knot, those from then on."""
    steps = np.diff(VALUES, axis=0) / np.diff(KNOTS)[:, None]
    times = np.concatenate([INSIDE, KNOTS[:-1]])
    index = np.searchsorted(KNOTS, times, side="right") - 1
    np.testing.assert_allclose(along(Linear(KNOTS, VALUES).derivative, times), steps[index], atol=1e-13)
    assert (along(Held(KNOTS, VALUES).derivative, times) == 0).all()


def test_cubic_is_the_hermite_spline_of_scipy_and_diffrax():
    ours, scipys = Cubic(KNOTS, VALUES), hermite()
    np.testing.assert_allclose(along(ours, INSIDE), scipys(INSIDE), atol=1e-13)
    np.testing.assert_allclose(along(ours.derivative, INSIDE), scipys.derivative()(INSIDE), atol=1e-12)
    coefficients = diffrax.backward_hermite_coefficients(jnp.asarray(KNOTS), jnp.asarray(VALUES))
    theirs = diffrax.CubicInterpolation(jnp.asarray(KNOTS), coefficients)
    np.testing.assert_allclose(along(ours, INSIDE), along(theirs.evaluate, INSIDE), atol=1e-13)
    np.testing.assert_allclose(along(ours.derivative, INSIDE), along(theirs.derivative, INSIDE), atol=1e-12)


def test_cubic_looks_no_further_ahead_than_the_next_knot():
    changed = VALUES.copy()
    changed[3:] += 7.0
    times = INSIDE[KNOTS[2] > INSIDE]
    np.testing.assert_array_equal(along(Cubic(KNOTS, changed), times), along(Cubic(KNOTS, VALUES), times))


@pytest.mark.parametrize("kind", KINDS)
def test_outside_the_knots_the_nearest_value_holds(kind):
    signal = kind(KNOTS, VALUES)
    np.testing.assert_array_equal(along(signal, [-5.0, -1e-9]), VALUES[[0, 0]])
    np.testing.assert_array_equal(along(signal, [3.0, 3.1, 99.0]), VALUES[[-1, -1, -1]])
    assert (along(signal.derivative, [-5.0, 3.1, 99.0]) == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing(kind):
    padded = kind(np.append(KNOTS, [np.nan] * 3), np.pad(VALUES, ((0, 3), (0, 0)), constant_values=np.nan))
    times = np.concatenate([[-1.0], INSIDE, KNOTS, [5.0]])
    np.testing.assert_array_equal(along(padded, times), along(kind(KNOTS, VALUES), times))
    np.testing.assert_array_equal(
        along(padded.derivative, times), along(kind(KNOTS, VALUES).derivative, times)
    )


def test_between_gives_the_limits_from_within_an_interval():
    held, _ = Held(KNOTS, VALUES).between(jnp.array(0.4), jnp.array(1.5))
    np.testing.assert_array_equal(held(0.4), VALUES[1])
    np.testing.assert_array_equal(held(1.5), VALUES[1])
    line, slope = Linear(KNOTS, VALUES).between(jnp.array(0.4), jnp.array(1.5))
    np.testing.assert_allclose(line(1.5), VALUES[2])
    np.testing.assert_allclose(slope(1.5), (VALUES[2] - VALUES[1]) / 1.1)
    back, _ = Held(KNOTS, VALUES).between(jnp.array(1.5), jnp.array(0.4))
    np.testing.assert_array_equal(back(1.5), VALUES[1])


@pytest.mark.parametrize("kind", KINDS)
def test_values_have_the_gradient_of_differences(kind):
    """Linear in the values: a difference over a step of 1 is exact."""
    weights = np.random.default_rng(1).normal(size=(INSIDE.size, 2))

    def total(values):
        signal = kind(KNOTS, values)
        return jnp.sum(weights * jax.vmap(signal)(jnp.asarray(INSIDE)))

    found = jax.jit(jax.grad(total))(jnp.asarray(VALUES))
    units = np.eye(10).reshape(10, 5, 2)
    expected = jax.vmap(lambda e: total(VALUES + e) - total(VALUES))(jnp.asarray(units))
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_finite_where_knots_coincide_or_are_missing(kind):
    knots = jnp.array([0.0, 1.0, 1.0, 2.0, jnp.nan])

    def total(knots, values, t):
        signal = kind(knots, values)
        return (signal(t) + signal.derivative(t)).sum()

    values = jnp.asarray(VALUES).at[4].set(jnp.nan)
    for t in (-1.0, 0.0, 1.0, 1.5, 2.0, 3.0):
        for g in jax.grad(total, argnums=(0, 1, 2))(knots, values, t):
            assert np.isfinite(g).all()


@pytest.mark.parametrize("kind", [Linear, Cubic])
def test_missing_values_are_bridged_by_channel(kind):
    """Straight lines inside; the nearest value before the first and after the last; nothing from nothing."""
    gaps = np.array(
        [
            [np.nan, 1.0, np.nan, 1.0],
            [2.0, np.nan, np.nan, 2.0],
            [np.nan, np.nan, np.nan, 3.0],
            [5.0, 4.0, np.nan, 4.0],
            [np.nan, 0.0, np.nan, 5.0],
        ]
    )
    bridged = np.asarray(kind.through(KNOTS, gaps).values)
    for j in (0, 1, 3):
        known = np.isfinite(gaps[:, j])
        np.testing.assert_allclose(bridged[:, j], np.interp(KNOTS, KNOTS[known], gaps[known, j]), atol=1e-14)
    assert np.isnan(bridged[:, 2]).all()


def test_bridges_stop_at_the_padding_and_have_finite_gradients():
    knots = np.array([0.0, 1.0, 2.0, np.nan, np.nan])
    gaps = np.array([[1.0], [np.nan], [3.0], [np.nan], [9.0]])
    path = Linear.through(knots, gaps)
    np.testing.assert_allclose(along(path, [0.5, 1.0, 7.0])[:, 0], [1.5, 2.0, 3.0])

    def middle(values):
        return Linear.through(knots, values)(1.0)[0]

    np.testing.assert_allclose(jax.grad(middle)(jnp.asarray(gaps))[:, 0], [0.5, 0.0, 0.5, 0.0, 0.0])
