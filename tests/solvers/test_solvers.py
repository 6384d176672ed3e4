"""Solvers: order of convergence, the true limit, gradients, the ends of the range."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from dynlearn.solvers import Adaptive, FixedStep

ORDERS = {"euler": 1, "heun": 2, "midpoint": 2, "rk4": 4}
X0 = np.array([1.0, -0.5])


def field(t, x):
    """Nonlinear, and driven in time, so that the stages' instants matter too."""
    return jnp.stack([x[1], (1 - x[0] ** 2) * x[1] - x[0] + jnp.sin(2 * t)])


def reference(start: float, interval: float) -> np.ndarray:
    solved = scipy.integrate.solve_ivp(
        lambda t, x: [x[1], (1 - x[0] ** 2) * x[1] - x[0] + np.sin(2 * t)],
        (start, start + interval),
        X0,
        "DOP853",
        rtol=1e-12,
        atol=1e-13,
    )
    return solved.y[:, -1]


def solve(solver, start=0.3, interval=1.0, x0=X0):
    return np.asarray(
        eqx.filter_jit(solver)(field, jnp.asarray(x0, float), jnp.asarray(start), jnp.asarray(interval))
    )


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(("scheme", "order"), ORDERS.items())
def test_order_of_convergence(scheme, order):
    """Slope of log error over log step, from steps where rounding does not show yet."""
    counts = np.array([16, 32, 64, 128])
    truth = reference(0.3, 1.0)
    errors = [np.abs(solve(FixedStep(scheme, int(n))) - truth).max() for n in counts]
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.15)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("scheme", ["tsit5", "dopri8", "kvaerno5"])
def test_adaptive_reaches_its_tolerance(scheme):
    found = solve(Adaptive(scheme, rtol=1e-8, atol=1e-10), interval=3.0)
    np.testing.assert_allclose(found, reference(0.3, 3.0), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "solver", [FixedStep("rk4", 4), Adaptive(rtol=1e-6, atol=1e-8)], ids=["fixed", "adaptive"]
)
def test_an_interval_of_zero_changes_nothing_and_has_a_gradient(solver):
    """Padding makes such intervals; they must not turn a gradient into NaN."""

    @eqx.filter_jit
    def one(x, interval):
        return solver(field, x, jnp.asarray(0.3), interval)

    x0 = jnp.asarray(X0, jnp.float32)
    assert np.array_equal(one(x0, jnp.asarray(0.0)), x0)
    slope = eqx.filter_jit(jax.jacrev(one))(x0, jnp.asarray(0.0))
    np.testing.assert_allclose(slope, np.eye(2), atol=1e-6)


@pytest.mark.parametrize("solver", [FixedStep("rk4", 4), Adaptive(rtol=1e-5)], ids=["fixed", "adaptive"])
def test_far_from_time_zero_a_short_interval_is_not_rounded_away(solver):
    """In float32, 1e6 + 0.01 is 1e6."""
    still = lambda t, x: -x  # noqa: E731
    found = eqx.filter_jit(solver)(still, jnp.ones(1), jnp.asarray(1e6), jnp.asarray(0.01))
    np.testing.assert_allclose(found, np.exp(-0.01), rtol=1e-5)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(
    "solver", [FixedStep("rk4", 8), Adaptive(rtol=1e-9, atol=1e-11)], ids=["fixed", "adaptive"]
)
def test_gradients_match_finite_differences(solver):
    """Central differences with h = 1e-5: truncation h^2 ~ 1e-10, rounding 1e-16 / h ~ 1e-11."""
    h = 1e-5

    @eqx.filter_jit
    def last(x):
        return solver(field, x, jnp.asarray(0.3), jnp.asarray(1.0))[0]

    exact = eqx.filter_jit(jax.grad(last))(jnp.asarray(X0))
    numeric = [(last(jnp.asarray(X0 + h * e)) - last(jnp.asarray(X0 - h * e))) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(exact, numeric, rtol=1e-6)


def test_too_many_steps_give_nan_not_a_wrong_number():
    assert np.isnan(solve(Adaptive(rtol=1e-6, max_steps=2), interval=20.0)).all()


def test_states_may_be_any_tree():
    state = {"a": jnp.ones(2), "b": (jnp.zeros(()),)}
    for solver in (FixedStep("heun", 2), Adaptive()):
        found = solver(lambda t, x: jax.tree.map(jnp.ones_like, x), state, jnp.asarray(0.0), jnp.asarray(2.0))
        assert jax.tree.structure(found) == jax.tree.structure(state)
        np.testing.assert_allclose(found["b"][0], 2.0, rtol=1e-6)
