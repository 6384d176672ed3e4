"""What the user reads when something does not fit: what was expected, what came, what to do."""

import gymnasium
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.control import CEM, MPC, Constraint, FunctionCost, Quadratic, run
from dynlearn.errors import ArgumentError
from dynlearn.models import Signature
from dynlearn.rl import ModelEnv, PendulumCost, PendulumTruth

COST = Quadratic([0.0, 0.0], [1.0, 1.0], [1.0])
NAMES = Signature(("position", "rate"), ("force",))


class Unhashable:
    __hash__ = None

    def running(self, outputs, control, time):
        return outputs[0]

    def terminal(self, outputs):
        return outputs[0]


OPTIONS = [
    (lambda: CEM(samples=10), r"samples: expected an integer, at least 24, got 10"),
    (lambda: CEM(iterations=0), r"iterations: expected an integer, at least 1, got 0"),
    (lambda: CEM(elites=2.5), r"elites: expected an integer, at least 2, got 2\.5"),
    (lambda: CEM(momentum=1.5), r"momentum: expected a number, from 0 to 0\.999, got 1\.5"),
    (lambda: CEM(color=-1), r"color: expected a number, from 0 to 10, got -1"),
    (lambda: CEM(decay=0.5), r"decay: expected a number, at least 1, got 0\.5"),
    (lambda: CEM(initial_std="1"), r"initial_std: expected a number, .* got '1'"),
    (lambda: Quadratic([0.0], [1.0, 1.0], [1.0]), r"Q: expected finite weights of shape \(1,\).*\(2, 2\)"),
    (lambda: Quadratic([np.nan], [1.0], [1.0]), r"target: expected finite values"),
    (lambda: Quadratic([0.0], [1.0], [1.0], control_target=[1.0, 2.0]), r"control_target: .*\(1,\).*\(2,\)"),
    (lambda: Quadratic.named(NAMES, {"positon": 1}, {}, {}), r"'positon'; did you mean 'position'\?"),
    (lambda: Constraint(3.0), r"expected a function \(outputs, control, time\)"),
    (lambda: Constraint(abs, kind="firm"), r"unknown kind of constraint 'firm'.*Valid: 'soft', 'hard'"),
    (lambda: Constraint(abs, weight=-1), r"weight: expected a number > 0, got -1"),
]


@pytest.mark.parametrize(("build", "message"), OPTIONS)
def test_options(build, message):
    with pytest.raises(ArgumentError, match=message):
        build()


def test_unknown_option_is_a_type_error():
    with pytest.raises(TypeError, match="sample"):
        CEM(sample=3)


PARTS = [
    ({"model": "cart"}, r"model: expected a dynlearn model, got str"),
    ({"planner": CEM}, r"planner: expected a planner object, .*pass e\.g\. CEM\(\)"),
    ({"constraints": [lambda y, u, t: y]}, r"constraints: expected a tuple of Constraint"),
    ({"constraints": (Constraint(lambda y, u, t: y[0] @ u),)}, r"constraints\[0\]: .*raised"),
    ({"cost": lambda y, u, t: 0.0}, r"cost: expected an object with running.*got function"),
    ({"cost": Quadratic([0.0], [1.0], [1.0])}, r"cost\.running: .*\['position', 'rate'\].*raised"),
    ({"cost": FunctionCost(lambda y, u, t: y)}, r"cost\.running: expected a scalar"),
    ({"cost": Unhashable()}, r"cost: .*must be an equinox\.Module or hashable, got Unhashable"),
    ({"horizon": 0}, r"horizon: expected a number of steps, at least 1, got 0"),
    ({"bounds": 2.0}, r"bounds: expected \(low, high\), got 2\.0"),
    ({"bounds": ([-1, -1], [1, 1])}, r"bounds: expected 1 values, got shape \(2,\).*\['force'\]"),
    ({"bounds": (1, -1)}, r"bounds: expected low < high, got \[1\.0\] and \[-1\.0\]"),
    ({"interval": 0.2 * (1 + 2e-3)}, r"interval: this discrete-time model steps by 0\.2 s, got 0\.2004"),
    ({"interval": 0.5}, r"interval: this discrete-time model steps by 0\.2 s, got 0\.5"),
]


@pytest.mark.parametrize(("changes", "message"), PARTS)
def test_parts(cart, changes, message):
    given = {"model": cart(), "cost": COST, "bounds": (-1, 1)} | changes
    with pytest.raises(ArgumentError, match=message):
        MPC(given.pop("model"), given.pop("cost"), **given)


def test_parts_of_models(cart):
    with pytest.raises(ArgumentError, match=r"interval: a continuous-time model .*pass interval="):
        MPC(cart(interval=None), COST, bounds=(-1, 1))
    with pytest.raises(ArgumentError, match=r"interval: expected a time > 0, got -1"):
        MPC(cart(interval=None), COST, bounds=(-1, 1), interval=-1)
    with pytest.raises(ArgumentError, match=r"bounds: CEM draws between finite bounds, .*\[inf\]"):
        MPC(cart(), COST, bounds=(-1, np.inf)).init()
    with pytest.raises(ArgumentError, match=r"context: the model has static features \['mass'\]"):
        MPC(cart(static_names=("mass",)), COST, bounds=(-1, 1)).init()


def context(runs=1, last=0.0, dt=0.2):
    outputs, controls = np.ones((runs, 5, 2)), np.zeros((runs, 5, 1))
    controls[:, -1] = last
    return dl.from_arrays(
        outputs, controls, dt=dt, output_names=["position", "rate"], control_names=["force"]
    )


CONTEXTS = [
    (lambda: np.ones((5, 2)), r"context: expected a trajectory dataset, .*or None, got ndarray"),
    (lambda: context(runs=2), r"context: expected one trajectory, got 2"),
    (lambda: context(last=np.nan), r"context: expected the control applied from its last sample"),
    (lambda: context(dt=0.5), r"interval 0\.2"),
    (lambda: dl.from_arrays(np.ones((5, 2)), np.ones((5, 1)), dt=0.2), r"output_name: .*'position'"),
]


@pytest.mark.parametrize(("build", "message"), CONTEXTS)
def test_contexts(cart, build, message):
    with pytest.raises(ArgumentError, match=message):
        MPC(cart(), COST, bounds=(-1, 1)).init(build())


def test_observations(cart):
    mpc = MPC(cart(required=3), COST, bounds=(-1, 1))
    memory = mpc.init()
    with pytest.raises(ArgumentError, match=r"infers its state from 3 samples, 2 are still missing"):
        mpc.act(memory, [0.0, 0.0])
    with pytest.raises(ArgumentError, match=r"observation: expected shape \(2,\).*got \(3,\)"):
        mpc.act(memory, [0.0, 0.0, 0.0])
    with pytest.raises(ArgumentError, match=r"observation: expected finite values"):
        mpc.record(memory, [0.0, np.inf], [0.0])
    with pytest.raises(ArgumentError, match=r"action: expected a finite value for each of \['force'\]"):
        mpc.record(memory, [0.0, 0.0], [np.nan])


def pendulum(**changes):
    return MPC(PendulumTruth(), PendulumCost(), 5, **({"bounds": (-2, 2)} | changes))


ENVIRONMENTS = [
    ("CartPole-v1", {}, {}, r"env\.action_space: expected a Box of floats, got Discrete\(2\)"),
    ("MountainCarContinuous-v0", {}, {}, r"env: expected 3 observations .*got 2"),
    ("Pendulum-v1", {"bounds": (-3, 3)}, {}, r"bounds: .*action space, \[-2\.0\] to \[2\.0\], got \[-3\.0\]"),
    ("Pendulum-v1", {}, {"episodes": 0}, r"episodes: expected an integer >= 1, got 0"),
    ("Pendulum-v1", {}, {"max_steps": 1.5}, r"max_steps: expected an integer >= 1, got 1\.5"),
    ("Pendulum-v1", {}, {"warmup": "zeros"}, r'warmup: expected None, "random" or a function, got \'zeros\''),
]


@pytest.mark.parametrize(("name", "changes", "given", "message"), ENVIRONMENTS)
def test_environments(name, changes, given, message):
    with gymnasium.make(name) as env, pytest.raises(ArgumentError, match=message):
        run(env, pendulum(**changes), progress=False, **given)


@pytest.mark.parametrize("value", ["abc", {"a": 1}, [[0.0], [1.0, 2.0]], [1j, 0]])
def test_what_holds_no_numbers(cart, value):
    mpc = MPC(cart(), COST, bounds=(-1, 1))
    with pytest.raises(
        ArgumentError, match=r"observation: expected 2 numbers, got .*give an array of numbers"
    ):
        mpc.act(mpc.init(), value)
    with pytest.raises(ArgumentError, match=r"action: expected numbers, got .*give an array of numbers"):
        mpc.record(mpc.init(), [0.0, 0.0], value)
    with pytest.raises(ArgumentError, match=r"bounds: expected numbers, got .*give an array of numbers"):
        MPC(cart(), COST, bounds=(value, 1))
    env = ModelEnv(cart(), COST, (-1, 1), initial=lambda generator: value)
    with pytest.raises(ArgumentError, match=r"initial: expected 2 numbers, got .*give an array of numbers"):
        env.reset(seed=0)
    env = ModelEnv(cart(), COST, (-1, 1), initial=lambda generator: [0.0, 0.0])
    env.reset(seed=0)
    with pytest.raises(ArgumentError, match=r"action: expected numbers, got .*give an array of numbers"):
        env.step(value)
