"""MPC: what it remembers, what it compiles, what it keeps."""

import equinox as eqx
import gymnasium
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.control import CEM, MPC, Constraint, FunctionCost, Quadratic, run
from dynlearn.rl import PendulumCost, PendulumTruth

PLANNER = CEM(samples=64, elites=8, iterations=2)
CEILING = -90.1
COST = Quadratic(target=[0.0, 0.0], Q=[1.0, 0.1], R=[0.1])


def controller(model, **changes):
    given = {"cost": COST, "horizon": 10, "planner": PLANNER, "bounds": (-1, 1)} | changes
    return MPC(model, **given)


def drive(mpc, model, x, steps, context=None):
    """Closed loop over the model itself: observations and actions."""
    memory, xs, us = mpc.init(context), [x], []
    for _ in range(steps):
        action, memory, _ = mpc.act(memory, x)
        x = np.asarray(model.step(jnp.asarray(x), jnp.asarray(action), jnp.zeros(()), jnp.asarray(0.2)))
        xs.append(x)
        us.append(action)
    return np.array(xs), np.array(us)


def test_brings_the_cart_home(cart):
    xs, us = drive(controller(cart()), cart(), np.array([2.0, 0.0]), 60)
    assert np.abs(xs[-1]).max() < 0.1
    assert np.abs(us).max() <= 1.0


def test_second_call_does_not_compile(cart):
    traces = []
    mpc = controller(cart(on_trace=traces))
    memory = mpc.init()
    _, memory, _ = mpc.act(memory, np.array([1.0, 0.0]))
    first = len(traces)
    for value in (0.5, np.nan, 2.0):
        _, memory, _ = mpc.act(memory, np.array([value, 0.0]))
    mpc.act(mpc.init(key=7), np.array([1.0, 0.0]))
    # A new cost of the same structure is the same program.
    controller(cart(on_trace=traces), cost=Quadratic([1.0, 0.0], [1.0, 0.1], [0.1]))
    assert first > 0
    assert len(traces) == first


def test_decision_is_a_trajectory(cart):
    mpc = controller(cart())
    _, memory, _ = mpc.act(mpc.init(), np.array([1.0, 0.0]))
    action, _, decision = mpc.act(memory, np.array([0.9, 0.0]))
    plan = dl.validate(decision.trajectory())
    assert plan.sizes["time"] == 11
    assert float(plan.t.values[0, 0] if plan.t.ndim == 2 else plan.t.values[0]) == pytest.approx(0.2)
    np.testing.assert_array_equal(plan.control.values[0, 0], action)
    np.testing.assert_allclose(plan.output.values[0, 0], [0.9, 0.0], rtol=1e-6)
    assert decision.planned
    assert decision.name == "planned"
    assert decision.reason == "A plan was found."
    assert decision.seconds > 0


def test_context_and_record_remember_the_same(cart):
    model = cart(required=3)
    mpc = controller(model)
    ys, us = np.arange(8.0).reshape(4, 2), np.array([[0.1], [0.2], [0.3], [0.4]])
    context = dl.from_arrays(ys, us, dt=0.2, output_names=["position", "rate"], control_names=["force"])
    recorded = mpc.init()
    for y, u in zip(ys, us, strict=True):
        recorded = mpc.record(recorded, y, u)
    given = mpc.init(context)
    assert mpc.missing(mpc.init()) == 2
    assert mpc.missing(given) == mpc.missing(recorded) == 0
    for field in ("output", "control", "valid", "observed"):
        np.testing.assert_allclose(getattr(given.past, field), getattr(recorded.past, field), rtol=1e-6)
    np.testing.assert_allclose(given.past.interval[:-1], recorded.past.interval[:-1], rtol=1e-6)
    now = [float(memory.now(0.2)) for memory in (given, recorded)]
    assert now == pytest.approx([0.8, 0.8])
    actions = [mpc.act(memory, ys[-1])[0] for memory in (given, recorded)]
    np.testing.assert_allclose(*actions)


def test_short_context_is_marked(cart):
    context = dl.from_arrays(
        np.ones((2, 2)), np.ones((2, 1)), dt=0.2, output_names=["position", "rate"], control_names=["force"]
    )
    memory = controller(cart(required=4)).init(context)
    assert memory.past.valid.tolist() == [False, False, True, True]
    assert memory.past.output[0].tolist() == [0, 0]


def test_linear_hold_gets_both_ends(cart):
    zero, linear = (controller(cart(hold=hold)) for hold in ("zero", "linear"))
    actions = [mpc.act(mpc.init(), np.array([1.0, 0.0]))[0] for mpc in (zero, linear)]
    np.testing.assert_allclose(*actions, rtol=1e-5)


def test_ensemble_cost_is_the_mean_over_members(pair):
    # The force moves the members apart, so every force costs; the mean prediction never moves.
    mpc = controller(pair, cost=Quadratic([0.0, 0.0], [1.0, 1.0], [0.0]), planner=CEM())
    action, _, decision = mpc.act(mpc.init(), np.array([0.0, 0.0]))
    assert abs(action[0]) < 0.05
    np.testing.assert_allclose(decision.outputs, 0, atol=1e-6)


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_constraints_are_kept(cart, kind):
    slow = Constraint(lambda y, u, t: -0.3 - y[1], kind=kind, weight=100.0)
    free, held = controller(cart()), controller(cart(), constraints=(slow,))
    start = np.array([2.0, 0.0])
    assert drive(free, cart(), start, 15)[0][:, 1].min() < -0.5
    assert drive(held, cart(), start, 15)[0][:, 1].min() > -0.32


def test_impossible_constraint_says_so(cart):
    never = Constraint(lambda y, u, t: 1.0 + 0 * u[0])
    mpc = controller(cart(), constraints=(never,))
    action, _, decision = mpc.act(mpc.init(), np.array([1.0, 0.0]))
    assert decision.name == "infeasible"
    assert "Loosen the constraints" in decision.reason
    assert np.abs(action).max() <= 1


def broken(model):
    """A model that was sound when it was made."""
    return eqx.tree_at(lambda m: m.gain, model, jnp.asarray(jnp.inf))


def test_diverged_model_says_so(cart):
    mpc = controller(broken(cart()))
    action, _, decision = mpc.act(mpc.init(), np.array([1.0, 0.0]))
    assert decision.name == "diverged"
    assert decision.cost == np.inf
    assert np.isfinite(action).all()


def test_a_bounded_cost_does_not_hide_divergence(cart):
    mpc = controller(broken(cart()), cost=FunctionCost(lambda y, u, t: jnp.tanh(y[1]) ** 2))
    assert mpc.act(mpc.init(), np.array([1.0, 0.0]))[2].name == "diverged"


def test_unmeasured_observation_is_reported(cart):
    mpc = controller(cart())
    _, memory, decision = mpc.act(mpc.init(), np.array([np.nan, 0.0]))
    assert decision.name == "bad_state"
    assert memory.past.observed.tolist() == [[False, True]]


def test_continuous_model_takes_its_interval_from_the_controller(cart):
    mpc = controller(cart(interval=None), interval=0.1)
    decision = mpc.act(mpc.init(), np.array([1.0, 0.0]))[2]
    np.testing.assert_allclose(np.diff(decision.times), 0.1, rtol=1e-5)


def test_cost_in_time(cart):
    late = FunctionCost(lambda y, u, t: (u[0] - jnp.where(t > 0.9, 1.0, -1.0)) ** 2)
    mpc = controller(cart(), cost=late, planner=CEM(iterations=8))
    controls = mpc.act(mpc.init(), np.array([1.0, 0.0]))[2].controls[:, 0]
    assert controls[:4].max() < 0 < controls[6:].min()


def test_named_quadratic_is_the_plain_one(cart):
    signature = cart().signature
    named = Quadratic.named(signature, {"position": 1.0}, Q={"position": 1.0, "rate": 0.1}, R={"force": 2.0})
    assert eqx.tree_equal(named, Quadratic([1.0, 0.0], [1.0, 0.1], [2.0]))


def test_pendulum_swings_up_over_the_true_equations():
    mpc = MPC(PendulumTruth(), PendulumCost(), horizon=20, planner=PLANNER, bounds=(-2, 2))
    with gymnasium.make("Pendulum-v1") as env:
        runs = run(env, mpc, episodes=4, seed=1000, progress=False)
    # No controller does much better from these four starts: 256 samples, 40 steps and 5 iterations
    # reach CEILING, and hanging still costs about -1900.
    assert float(runs.reward.sum("time").mean()) > CEILING - 10


def test_truth_is_the_environment():
    model = PendulumTruth()
    with gymnasium.make("Pendulum-v1") as env:
        observation, _ = env.reset(seed=0)
        state = jnp.asarray(env.unwrapped.state)
        for k in range(50):
            action = np.array([2.5 * np.sin(k)], np.float32).clip(-2, 2)
            predicted = -float(PendulumCost().running(jnp.asarray(observation), jnp.asarray(action), 0.0))
            observation, reward, *_ = env.step(action)
            state = model.step(state, jnp.asarray(action), jnp.zeros(()), jnp.asarray(0.05))
            np.testing.assert_allclose(model.observe(state, action).mean, observation, atol=2e-3)
            assert predicted == pytest.approx(reward, abs=2e-3)
