"""One contract for every planner."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from dynlearn.control import CEM, Reason, StageCost

THOROUGH = {"CEM": CEM(samples=512, elites=40, iterations=10, color=1.0)}
QUICK = {"CEM": CEM(samples=64, elites=8, iterations=2)}
"""Add a planner here: all tests below run over it."""

HORIZON = 12


def problem(lq):
    A, B, Q, R = map(jnp.asarray, lq)
    P = jnp.asarray(scipy.linalg.solve_discrete_are(*lq))
    cost = StageCost(lambda x, u, k: x @ Q @ x + u @ R @ u, lambda x: x @ P @ x)
    return (lambda x, u, k, key: A @ x + B @ u), cost


def memory_of(planner, high=3.0, low=None):
    low = -high if low is None else low
    return planner.init(HORIZON, 1, jnp.array([low]), jnp.array([high]))


def compiled(planner, transition, cost):
    return jax.jit(lambda state, memory, key: planner.plan(transition, cost, state, memory, key))


@pytest.fixture(params=sorted(QUICK))
def name(request):
    return request.param


def test_finds_the_lqr_optimum(name, lq):
    planner = THOROUGH[name]
    A, B, Q, R = lq
    P = scipy.linalg.solve_discrete_are(A, B, Q, R)
    gain = np.linalg.solve(R + B.T @ P @ B, B.T @ P @ A)
    x = np.array([1.0, 0.5])
    transition, cost = problem(lq)
    plan, _ = compiled(planner, transition, cost)(jnp.asarray(x), memory_of(planner), jax.random.key(0))
    # The plan of an unconstrained LQ problem with the Riccati terminal cost is the LQR path.
    assert float(plan.cost) == pytest.approx(x @ P @ x, rel=0.02)
    assert float(plan.controls[0, 0]) == pytest.approx(float(-(gain @ x)[0]), abs=0.3)
    assert plan.states.shape == (HORIZON + 1, 2)
    np.testing.assert_allclose(plan.states[1], A @ x + B @ plan.controls[0], rtol=1e-5)


@pytest.mark.parametrize("low", [-0.2, 0.1])
def test_bounds_are_always_kept(name, lq, low):
    planner, (transition, cost) = QUICK[name], problem(lq)
    memory, search = memory_of(planner, high=0.25, low=low), compiled(planner, transition, cost)
    for seed in range(5):
        state = jnp.array([3.0, -2.0]) * (-1) ** seed
        plan, memory = search(state, memory, jax.random.key(seed))
        assert float(plan.controls.min()) >= np.float32(low)
        assert float(plan.controls.max()) <= np.float32(0.25)


def test_same_key_same_plan(name, lq):
    planner, (transition, cost) = QUICK[name], problem(lq)
    search, memory = compiled(planner, transition, cost), memory_of(planner)
    plans = [search(jnp.ones(2), memory, jax.random.key(k))[0].controls for k in (1, 1, 2)]
    np.testing.assert_array_equal(plans[0], plans[1])
    assert not np.array_equal(plans[0], plans[2])


def test_warm_start_helps(name, lq):
    planner, (transition, cost) = QUICK[name], problem(lq)
    plan = compiled(planner, transition, cost)
    cold, warm = [], []
    for seed in range(10):
        first, memory = plan(jnp.ones(2), memory_of(planner), jax.random.key(seed))
        after = first.states[1]
        warm.append(float(plan(after, memory, jax.random.key(100 + seed))[0].cost))
        cold.append(float(plan(after, memory_of(planner), jax.random.key(100 + seed))[0].cost))
    assert np.mean(warm) < np.mean(cold)


def test_some_candidates_diverge(name, lq):
    planner, (_, cost) = QUICK[name], problem(lq)

    def cliff(x, u, k, key):
        return jnp.where(u[0] > 0, jnp.nan, x + 0.1 * u)

    plan, _ = compiled(planner, cliff, cost)(jnp.ones(2), memory_of(planner), jax.random.key(0))
    assert plan.reason == Reason.planned
    assert np.isfinite(plan.cost)
    assert float(plan.controls.max()) <= 0
    assert 0 < plan.stats["diverged"] < 1


def test_all_candidates_diverge(name, lq):
    planner, (transition, cost) = QUICK[name], problem(lq)
    good = compiled(planner, transition, cost)
    bad = compiled(planner, lambda x, u, k, key: x * jnp.inf, cost)
    first, start = good(jnp.ones(2), memory_of(planner), jax.random.key(0))
    for value, reason in ((1.0, Reason.diverged), (jnp.nan, Reason.bad_state)):
        plan, memory = bad(jnp.array([value, 1.0]), start, jax.random.key(1))
        assert plan.reason == reason
        assert float(plan.cost) == np.inf
        # The previous plan goes on, one step later.
        np.testing.assert_array_equal(plan.controls[:-1], first.controls[1:])
        assert good(jnp.ones(2), memory, jax.random.key(2))[0].reason == Reason.planned


def test_infeasible_problems_violate_least(name, lq):
    planner, (transition, cost) = QUICK[name], problem(lq)
    push = StageCost(cost.running, cost.terminal, lambda x, u, k: (0.0 * u[0], 2.0 - u[0]))
    memory, search = memory_of(planner, high=1.0), compiled(planner, transition, push)
    for seed in range(3):
        plan, memory = search(jnp.ones(2), memory, jax.random.key(seed))
    assert plan.reason == Reason.infeasible
    assert float(plan.controls.mean()) > 0.8
    assert float(plan.stats["violation"]) == pytest.approx(float((2 - plan.controls).sum()), rel=1e-5)


def test_random_transitions_are_shared_by_the_candidates(name, lq):
    planner, (transition, cost) = QUICK[name], problem(lq)

    def shaken(x, u, k, key):
        return transition(x, u, k, key) + 0.1 * jax.random.normal(key, (2,))

    plan, _ = compiled(planner, shaken, cost)(jnp.ones(2), memory_of(planner), jax.random.key(0))
    path = [plan.states[0], *plan.states[1:]]
    total = sum(float(cost.running(x, u, 0)) for x, u in zip(path, plan.controls, strict=False))
    assert float(plan.cost) == pytest.approx(total + float(cost.terminal(path[-1])), rel=1e-4)
