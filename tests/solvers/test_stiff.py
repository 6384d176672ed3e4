"""Stiff problems: the implicit scheme, and the one that finds out by itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from dynlearn.solvers import Adaptive, Reason, solve_ode


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def van_der_pol(m, t, x, mu=1000.0):
    return m.stack([x[1], mu * (1 - x[0] ** 2) * x[1] - x[0]])


def robertson(m, t, x):
    slow, fast, pair = 0.04 * x[0], 1e4 * x[1] * x[2], 3e7 * x[1] ** 2
    return m.stack([fast - slow, slow - fast - pair, pair])


def hires(m, t, y):
    """Hairer, Wanner, section IV.10: eight reactants of light-driven growth."""
    last = 280.0 * y[5] * y[7]
    return m.stack(
        [
            -1.71 * y[0] + 0.43 * y[1] + 8.32 * y[2] + 0.0007,
            1.71 * y[0] - 8.75 * y[1],
            -10.03 * y[2] + 0.43 * y[3] + 0.035 * y[4],
            8.32 * y[1] + 1.71 * y[2] - 1.12 * y[3],
            -1.745 * y[4] + 0.43 * y[5] + 0.43 * y[6],
            -last + 0.69 * y[3] + 1.71 * y[4] - 0.43 * y[5] + 0.69 * y[6],
            last - 1.81 * y[6],
            -last + 1.81 * y[6],
        ]
    )


# Field, start, instants, tolerance of the comparison relative to the largest value of each state.
PROBLEMS = {
    # The fronts, at about 807 and 1615, are so steep that instants on them would compare nothing.
    "van_der_pol": (
        van_der_pol,
        [2.0, 0.0],
        np.array([0.0, 1.0, 400.0, 800.0, 1000.0, 1500.0, 2000.0]),
        1e-3,
    ),
    "robertson": (robertson, [1.0, 0.0, 0.0], np.concatenate([[0.0], np.logspace(-5, 7, 25)]), 1e-4),
    "hires": (hires, [1.0, *[0.0] * 6, 0.0057], np.array([0.0, 0.1, 1.0, 5.0, 100.0, 321.8122]), 1e-4),
}


def radau(field, x0, times):
    return scipy.integrate.solve_ivp(
        lambda t, x: field(np, t, x), (times[0], times[-1]), x0, "Radau", times, rtol=1e-9, atol=1e-12
    ).y.T


@pytest.mark.parametrize("scheme", [pytest.param("kvaerno5", marks=pytest.mark.slow), "auto"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_stiff_problems_reach_radau(name, scheme):
    field, x0, times, tolerance = PROBLEMS[name]
    # Where it finds out by itself, half of the steps are kept for the implicit scheme.
    solver = Adaptive(scheme, rtol=1e-5, atol=1e-8, max_steps=16_384)
    found = solve_ode(lambda t, x, u, p: field(jnp, t, x), jnp.array(x0), times, solver=solver).check()
    expected = radau(field, x0, times)
    difference = np.abs(found.states - expected) / np.abs(expected).max(0)
    assert difference.max() < tolerance


def test_an_explicit_scheme_says_that_it_needs_too_many_steps():
    field, x0, times, _ = PROBLEMS["robertson"]
    found = solve_ode(lambda t, x, u, p: field(jnp, t, x), jnp.array(x0), times)
    assert found.reasons() == [Reason.TOO_MANY_STEPS]
    reached = np.isfinite(np.asarray(found.states)).all(1)
    assert reached[0]
    assert (np.diff(reached.astype(int)) <= 0).all()
    assert not reached[-1]


@pytest.mark.slow
def test_auto_treats_each_trajectory_of_a_batch_for_itself():
    """Mild ones take the explicit steps that tsit5 takes; the stiff one among them is solved all the same."""
    mu = jnp.array([0.5, 5.0, 1000.0])
    times = np.array([0.0, 1.0, 400.0, 800.0, 1000.0])
    times = np.stack([times / 100, times / 100, times])

    def solve(scheme):
        def one(mu, times):
            solver = Adaptive(scheme, rtol=1e-5, atol=1e-8)
            return solve_ode(
                lambda t, x, u, mu: van_der_pol(jnp, t, x, mu),
                jnp.array([2.0, 0.0]),
                times,
                parameters=mu,
                solver=solver,
            )

        return jax.jit(jax.vmap(one))(mu, jnp.asarray(times))

    auto, explicit = solve("auto").check(), solve("tsit5")
    assert explicit.reasons() == [Reason.DONE, Reason.DONE, Reason.TOO_MANY_STEPS]
    np.testing.assert_allclose(auto.states[:2], explicit.states[:2], rtol=1e-12)
    np.testing.assert_array_equal(auto.statistics.steps[:2], explicit.statistics.steps[:2])
    for i in range(3):
        expected = radau(lambda m, t, x, i=i: van_der_pol(m, t, x, float(mu[i])), [2.0, 0.0], times[i])
        np.testing.assert_allclose(auto.states[i], expected, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("adjoint", ["checkpointed", "forward"])
def test_gradients_of_stiff_solves_are_those_of_the_slow_manifold(adjoint):
    """x' = -1000 (x - k cos t): after the layer dx/dk = (1e6 cos t + 1e3 sin t) / (1e6 + 1), and x0 is forgotten."""

    def last(k, x0, scheme):
        solver = Adaptive(scheme, rtol=1e-7, atol=1e-9, max_steps=1024)
        field = lambda t, x, u, k: -1000.0 * (x - k * jnp.cos(t))  # noqa: E731
        return solve_ode(
            field, x0[None], jnp.array([0.0, 2.0]), parameters=k, solver=solver, adjoint=adjoint
        ).last[0]

    derive = jax.jacfwd if adjoint == "forward" else jax.jacrev
    by_k, by_x0 = jax.jit(derive(last, argnums=(0, 1)), static_argnums=2)(
        jnp.array(1.5), jnp.array(0.0), "kvaerno5"
    )
    np.testing.assert_allclose(by_k, (1e6 * np.cos(2.0) + 1e3 * np.sin(2.0)) / (1e6 + 1), rtol=1e-4)
    assert abs(by_x0) < 1e-6
