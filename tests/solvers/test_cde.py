"""solve_cde: closed forms, samples that are irregular or missing, batches, gradients."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from dynlearn.errors import ArgumentError
from dynlearn.solvers import Adaptive, Cubic, FixedStep, Linear, solve_cde, solve_ode

A = np.array([[0.1, 0.8], [-0.7, 0.2]])
KNOTS = np.array([0.0, 0.3, 1.1, 1.2, 2.5])
X0 = np.array([1.0, -0.5])
SOLVERS = {"rk4": FixedStep("rk4", 64), "tsit5": Adaptive(rtol=1e-8, atol=1e-10)}


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def linear(t, x, p):
    return (A @ x)[:, None]


@pytest.mark.parametrize("kind", [Linear, Cubic])
@pytest.mark.parametrize("name", SOLVERS)
def test_a_linear_equation_is_the_exponential_of_the_increment(name, kind):
    """With one channel, x(t) = exp(A (X(t) - X(0))) x0, however X got there; instants are not knots."""
    values = np.array([0.0, 1.0, -0.5, 0.2, 1.7])[:, None]
    times = np.array([0.0, 0.7, 1.15, 2.0, 2.5])
    path = kind(KNOTS, values)
    found = solve_cde(linear, jnp.asarray(X0), path, times, solver=SOLVERS[name]).check().states
    for t, x in zip(times, found, strict=True):
        increment = float(path(t)[0] - path(times[0])[0])
        np.testing.assert_allclose(x, scipy.linalg.expm(A * increment) @ X0, rtol=1e-6, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Linear, Cubic])
@pytest.mark.parametrize("direction", [1, -1])
def test_time_as_the_path_is_the_ordinary_equation(kind, direction):
    times = np.linspace(0.0, 2.5, 7)[::direction]
    path = kind.through(KNOTS, np.where(KNOTS == 1.1, np.nan, KNOTS)[:, None])
    field = lambda t, x, p: (jnp.sin(x) + t)[:, None]  # noqa: E731
    found = solve_cde(field, jnp.asarray(X0), path, times, solver=SOLVERS["tsit5"]).states
    expected = solve_ode(lambda t, x, u, p: jnp.sin(x) + t, jnp.asarray(X0), times, solver=SOLVERS["tsit5"])
    np.testing.assert_allclose(found, expected.states, rtol=1e-6)


def test_outside_the_knots_nothing_moves():
    path = Linear(KNOTS, KNOTS[:, None])
    found = solve_cde(linear, jnp.asarray(X0), path, np.array([-2.0, -1.0, 1.0, 2.5, 4.0]))
    np.testing.assert_array_equal(found.states[1], X0)
    np.testing.assert_allclose(found.states[4], found.states[3], rtol=1e-12)


@pytest.mark.first(1)
@pytest.mark.parametrize("name", SOLVERS)
def test_a_batch_with_own_knots_and_gaps_is_what_its_members_are(name):
    rng = np.random.default_rng(0)
    knots = np.cumsum(rng.uniform(0.2, 0.8, (3, 5)), 1)
    knots[2, 3:] = np.nan
    values = rng.normal(size=(3, 5, 2))
    values[0, 2, 1] = values[1, 0, 0] = np.nan
    field = lambda t, x, p: p * jnp.stack([jnp.sin(x), jnp.cos(x)], 1)  # noqa: E731

    def one(x0, knots, values, p):
        path = Linear.through(knots, values)
        return solve_cde(field, x0, path, knots, parameters=p, solver=SOLVERS[name])

    arguments = tuple(map(jnp.asarray, (rng.normal(size=(3, 2)), knots, values, np.array([0.5, 1.0, 1.5]))))
    batch = eqx.filter_jit(eqx.filter_vmap(one))(*arguments).check()
    for i in range(3):
        single = one(*(a[i] for a in arguments))
        np.testing.assert_allclose(batch.states[i], single.states, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(batch.valid, np.isfinite(knots))


@pytest.mark.slow
@pytest.mark.parametrize("adjoint", ["checkpointed", "continuous"])
@pytest.mark.parametrize("name", SOLVERS)
def test_the_gradient_by_values_is_that_of_the_closed_form(name, adjoint):
    """Of the increment alone: first and last value count, those between do not."""
    times = np.array([0.0, 2.5])

    def last(values):
        path = Linear.through(KNOTS, values[:, None])
        return solve_cde(linear, jnp.asarray(X0), path, times, solver=SOLVERS[name], adjoint=adjoint).last[0]

    values = np.array([0.0, 1.0, np.nan, 0.2, 1.7])
    slope = (A @ scipy.linalg.expm(A * 1.7) @ X0)[0]
    np.testing.assert_allclose(
        jax.jit(jax.grad(last))(jnp.asarray(values)), [-slope, 0, 0, 0, slope], atol=1e-6
    )


def test_the_second_call_compiles_nothing(compilations):
    def call(i):
        path = Linear(KNOTS + i, KNOTS[:, None])
        return jax.block_until_ready(solve_cde(linear, jnp.asarray(X0 + i), path, KNOTS + i).last)

    call(0.0)
    with compilations() as names:
        call(1.0)
    assert names == []


def test_a_path_with_a_jump_is_refused():
    """dX/dt would leave the jump out."""
    path = Linear(jnp.array([0.0, 1.0, 1.0, 2.0]), jnp.array([[0.0], [1.0], [5.0], [6.0]]))
    with pytest.raises(ArgumentError, match="expected one value at each instant, got two at 1"):
        solve_cde(linear, jnp.asarray(X0), path, jnp.array([0.0, 2.0]))
