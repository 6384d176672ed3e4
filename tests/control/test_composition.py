"""What the control layer puts together, against sums written out: which instant, which control, which key."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.control import CEM, MPC, AbstractPlanner, Constraint, FunctionCost, Quadratic
from dynlearn.control.controllers.checks import check_cost
from dynlearn.control.planners.paths import score
from dynlearn.control.problem.stage import stage_cost_of, transition_of
from dynlearn.errors import ArgumentError
from dynlearn.models import AbstractModel, Scaling, Signature
from dynlearn.numerics.distributions import Gaussian

START, DT = 5.0, 0.2
CONTROLS = np.array([0.5, -1.0, 2.0])


def path(x):
    """States of the cart under CONTROLS, by its exact solution."""
    states = [np.asarray(x, float)]
    for u in CONTROLS:
        position, rate = states[-1]
        states.append(np.array([position + DT * (rate + DT * u / 2), rate + DT * u]))
    return np.array(states)


def judged(model, cost, constraints=(), x=(1.0, -0.5)):
    transition = transition_of(model, jnp.asarray(START), DT)
    stage = stage_cost_of(model, cost, constraints, jnp.asarray(START), DT)
    keys = jax.random.split(jax.random.key(0), CONTROLS.size)
    return score(transition, stage, jnp.asarray(x), jnp.asarray(CONTROLS)[:, None], keys)


def test_the_cost_of_a_path_is_its_sum(cart):
    """running(y_k, u_k, t_k), k = 0 .. 2, and terminal(y_3)."""
    cost = FunctionCost(lambda y, u, t: y[0] ** 2 + 3 * u[0] * y[1] + t * u[0], lambda y: 7 * y[0])
    x, t = path([1.0, -0.5]), START + DT * np.arange(3)
    expected = (x[:3, 0] ** 2 + 3 * CONTROLS * x[:3, 1] + t * CONTROLS).sum() + 7 * x[3, 0]
    assert float(judged(cart(), cost).cost) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_a_constraint_reads_what_each_control_leads_to(cart, kind):
    """max(g(y_{k+1}, u_k, t_{k+1}), 0): the present outputs cannot be changed any more."""
    g = Constraint(lambda y, u, t: jnp.stack([y[0] + u[0] - 1, t - 5.3]), kind=kind, weight=2.0)
    x, t = path([1.0, -0.5])[1:], START + DT * np.arange(1, 4)
    expected = np.maximum(x[:, 0] + CONTROLS - 1, 0).sum() + np.maximum(t - 5.3, 0).sum()
    found = judged(cart(), FunctionCost(lambda y, u, t: 0.0 * t, lambda y: 0.0 * y[0]), (g,))
    if kind == "soft":
        assert float(found.cost) == pytest.approx(2 * expected, rel=1e-5)
    else:
        assert (float(found.cost), float(found.violation)) == (0, pytest.approx(expected, rel=1e-5))


def test_members_of_an_ensemble_are_averaged_in_the_cost_and_each_is_held_to_hard_limits(pair):
    x, mirrored = path([0.0, 0.0]), -path([0.0, 0.0])
    cost = FunctionCost(lambda y, u, t: y[0] ** 2, lambda y: 0.0 * y[0])
    limit = Constraint(lambda y, u, t: y[1] - 0.05)
    found = judged(pair, cost, (limit,), x=np.zeros((2, 2)))
    assert float(found.cost) == pytest.approx((x[:3, 0] ** 2).sum(), rel=1e-5)
    broken = sum(np.maximum(each[1:, 1] - 0.05, 0).sum() for each in (x, mirrored))
    assert float(found.violation) == pytest.approx(broken, rel=1e-5)


class Asked(AbstractPlanner):
    """Answers with numbers made of the key it was given, and counts how often it was asked."""

    def init(self, horizon, controls, low, high):
        return jnp.zeros((horizon, controls))

    def plan(self, transition, cost, state, memory, key):
        from dynlearn.control.planners.contract import Plan, Reason

        controls = jax.random.uniform(key, memory.shape)
        states = jnp.broadcast_to(state, (memory.shape[0] + 1, *state.shape))
        return Plan(controls, states, jnp.zeros(()), Reason.planned, {}), memory


def test_every_plan_has_a_key_of_its_own(cart):
    mpc = MPC(cart(), FunctionCost(lambda y, u, t: u[0] ** 2), 4, planner=Asked(), bounds=(0, 1))

    def actions(key):
        memory, found = mpc.init(key=key), []
        for _ in range(6):
            action, memory, _ = mpc.act(memory, np.zeros(2))
            found.append(action[0])
        return found

    assert len(set(actions(0))) == 6
    assert actions(0) == actions(0)
    assert set(actions(0)).isdisjoint(actions(1))


def test_the_spread_of_cem_never_falls_below_its_floor():
    """Candidates of a cost that any control minimises at 0 gather there; the floor keeps them apart."""

    def spread(minimum):
        planner = CEM(samples=64, elites=4, iterations=30, momentum=0.0, minimum_std=minimum)
        memory = planner.init(5, 1, jnp.array([-2.0]), jnp.array([2.0]))
        from dynlearn.control import StageCost

        cost = StageCost(lambda x, u, k: u[0] ** 2, lambda x: 0.0 * x[0])
        plan, _ = jax.jit(lambda m, key: planner.plan(lambda x, u, k, key: x, cost, jnp.zeros(1), m, key))(
            memory, jax.random.key(0)
        )
        return float(plan.stats["std"])

    assert spread(0.0) < 0.01
    assert spread(0.1) == pytest.approx(0.2, rel=0.2)
    assert spread(0.1) >= 0.2


def test_the_first_control_of_the_plan_is_applied_and_remembered(cart):
    mpc = MPC(cart(required=2), FunctionCost(lambda y, u, t: u[0] ** 2), 4, planner=Asked(), bounds=(0, 1))
    memory = mpc.record(mpc.init(key=3), np.array([1.0, 2.0]), np.array([0.25]))
    action, memory, decision = mpc.act(memory, np.array([3.0, 4.0]))
    np.testing.assert_array_equal(action, decision.controls[0])
    np.testing.assert_allclose(memory.past.control[:, 0], [0.25, action[0]], rtol=1e-6)
    np.testing.assert_allclose(memory.past.output, [[1, 2], [3, 4]])
    np.testing.assert_allclose(decision.times, DT + DT * np.arange(5), rtol=1e-6)
    assert eqx.tree_equal(memory.count, jnp.asarray(2))


def test_a_soft_penalty_is_averaged_over_members(pair):
    x, mirrored = path([0.0, 0.0]), -path([0.0, 0.0])
    limit = Constraint(lambda y, u, t: y[1] - 0.05, kind="soft", weight=3.0)
    found = judged(
        pair, FunctionCost(lambda y, u, t: 0.0 * t, lambda y: 0.0 * y[0]), (limit,), x=np.zeros((2, 2))
    )
    each = [np.maximum(one[1:, 1] - 0.05, 0).sum() for one in (x, mirrored)]
    assert float(found.cost) == pytest.approx(3 * np.mean(each), rel=1e-5)


class Clock(AbstractModel):
    """x' = t: what a step adds depends on when it is taken."""

    signature: Signature = eqx.field(static=True, default=Signature(("x",), ("u",), interval=DT))
    scaling: Scaling = eqx.field(default_factory=lambda: Scaling.unit(1, 1))
    objective: str = eqx.field(static=True, default="multi_step")
    method: str = eqx.field(static=True, default="gradient")
    memory: int = eqx.field(static=True, default=1)
    required: int = eqx.field(static=True, default=1)

    def infer(self, past, *, key=None):
        return past.output[-1]

    def step(self, state, control, time, interval, *, key=None):
        return state + (time + control) * interval

    def observe(self, state, control):
        return Gaussian(state, jnp.ones(1))


def test_a_transition_is_taken_at_its_own_instant():
    found = judged(Clock(), FunctionCost(lambda y, u, t: 0.0 * t, lambda y: y[0]), x=[1.0])
    t = START + DT * np.arange(3)
    assert float(found.cost) == pytest.approx(1.0 + ((t + CONTROLS) * DT).sum(), rel=1e-5)


def test_weights_beyond_float32_are_told_as_they_are():
    """1e60 is no float32, its root is: the cost and what is said of it agree."""
    cost = Quadratic([0.0], [1e60], [1e-60])
    assert float(cost.running(jnp.array([1e-30]), jnp.array([1e30]), 0.0)) == pytest.approx(2.0)
    assert (cost.Q.item(), cost.R.item()) == (pytest.approx(1e60), pytest.approx(1e-60))


def test_a_cost_that_refuses_its_arguments_is_heard():
    def picky(y, u, t):
        raise ArgumentError("level: expected a number")

    with pytest.raises(ArgumentError, match=r"^level: expected a number"):
        check_cost(FunctionCost(picky), (), Signature(("y",), ("u",), interval=1.0))
