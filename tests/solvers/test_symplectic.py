"""Symplectic steps: the energy stays, and so does what else they promise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.solvers import FixedStep, Symplectic, solve_ode

STEPS, H = 10_000, 0.3
PENDULUM = (lambda t, p, u, k: p, lambda t, q, u, k: -jnp.sin(q))


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def errors(solver):
    """Of the energy, over 10 000 long steps from (1, 0)."""
    times = H * np.arange(STEPS + 1)
    x0 = (jnp.array(1.0), jnp.array(0.0))
    together = lambda t, x, u, k: (x[1], -jnp.sin(x[0]))  # noqa: E731
    field = PENDULUM if isinstance(solver, Symplectic) else together
    q, p = solve_ode(field, x0, times, solver=solver).check().states
    energy = np.asarray(p**2 / 2 - jnp.cos(q))
    return np.abs(energy - energy[0])


@pytest.mark.parametrize("scheme", ["semi_implicit_euler", "verlet", "yoshida4"])
def test_the_energy_oscillates_without_drifting(scheme):
    found = errors(Symplectic(scheme))
    assert found[-1000:].max() < 1.05 * found[:1000].max()


def test_rk4_loses_energy_for_good_where_symplectic_steps_do_not():
    """Per step, rk4 is the more accurate one."""
    rk4, verlet, yoshida = (
        errors(FixedStep("rk4")),
        errors(Symplectic("verlet")),
        errors(Symplectic("yoshida4")),
    )
    assert rk4[-1000:].max() > 8 * rk4[:1000].max()
    assert rk4[1] < verlet[1]
    assert rk4[-1] > 10 * yoshida.max()


@pytest.mark.parametrize("scheme", ["verlet", "yoshida4"])
def test_symmetric_schemes_come_back_when_time_runs_backwards(scheme):
    times = np.linspace(0.0, 20.0, 41)
    x0 = (jnp.array([1.0, 0.3]), jnp.array([0.0, -0.2]))
    there = solve_ode(PENDULUM, x0, times, solver=Symplectic(scheme)).last
    back = solve_ode(PENDULUM, there, times[::-1], solver=Symplectic(scheme)).last
    for a, b in zip(back, x0, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


@pytest.mark.parametrize("scheme", ["semi_implicit_euler", "verlet", "yoshida4"])
def test_a_step_preserves_area(scheme):
    def step(x):
        return jnp.stack(
            solve_ode(PENDULUM, (x[0], x[1]), jnp.array([0.0, 0.7]), solver=Symplectic(scheme)).last
        )

    np.testing.assert_allclose(np.linalg.det(jax.jacfwd(step)(jnp.array([1.2, -0.4]))), 1.0, rtol=1e-12)
