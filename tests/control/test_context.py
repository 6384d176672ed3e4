"""What is known before an episode: static features, and the samples that came before."""

import equinox as eqx
import gymnasium
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.control import CEM, MPC, Quadratic, run
from dynlearn.errors import ArgumentError
from dynlearn.models import AbstractModel, Scaling, Signature
from dynlearn.numerics.distributions import Gaussian
from dynlearn.rl import ModelEnv

COST = Quadratic([0.0], [1.0], [1e-6])


class Drawer(AbstractModel):
    """y' = y + u / mass: the state is the last output and the mass."""

    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    memory: int = eqx.field(static=True, default=2)
    required: int = eqx.field(static=True, default=1)
    objective: str = eqx.field(static=True, default="multi_step")
    method: str = eqx.field(static=True, default="gradient")

    def infer(self, past, *, key=None):
        return jnp.concatenate([past.output[-1], past.static])

    def step(self, state, control, time, interval, *, key=None):
        return state.at[0].add(control[0] / state[1])

    def observe(self, state, control):
        return Gaussian(state[:1], jnp.ones(1))


def drawer(required=1):
    signature = Signature(("y",), ("u",), ("mass",), ("m",), ("N",), "s", 0.5)
    return Drawer(signature, Scaling.unit(1, 1), required=required)


def mpc(model=None):
    return MPC(model or drawer(), COST, 1, planner=CEM(iterations=8), bounds=(-10, 10))


class World(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,), np.float64)
    action_space = gymnasium.spaces.Box(-10, 10, (1,), np.float64)

    def __init__(self, mass, fails_at=None):
        self.mass, self.fails_at = mass, fails_at

    def reset(self, *, seed=None, options=None):
        self.y, self.steps = 1.0, 0
        return np.array([self.y]), {}

    def step(self, action):
        if self.steps == self.fails_at:
            raise OSError("the cable came loose")
        self.y, self.steps = self.y + action[0] / self.mass, self.steps + 1
        return np.array([self.y]), -abs(self.y), False, False, {}


def past(mass=2.0, runs=1):
    return dl.from_arrays(
        [np.full((3, 1), 7.0)] * runs,
        [np.zeros((3, 1))] * runs,
        times=4 + 0.5 * np.arange(3),
        output_names=["y"],
        control_names=["u"],
        static=mass * np.arange(1, runs + 1)[:, None],
        static_names=["mass"],
        units={"t": "s", "y": "m", "u": "N", "mass": "kg"},
    )


def test_a_model_with_static_features_is_run_in_closed_loop():
    runs = run(World(2.0), mpc(), 2, max_steps=2, context={"mass": np.float32(2.0)}, progress=False)
    np.testing.assert_allclose(runs.control.values[:, 0, 0], -2, atol=0.2)  # from 1 to 0 with a mass of 2
    assert runs.static.values.tolist() == [[2.0], [2.0]]
    assert runs.t.values[0].tolist() == [0, 0.5, 1]


def test_a_context_of_observations_comes_before():
    runs = run(World(4.0), mpc(drawer(required=3)), 2, max_steps=1, context=past(runs=2), progress=False)
    np.testing.assert_allclose(runs.control.values[:, 0, 0], [-2, -4], atol=0.3)  # of masses 2 and 4
    assert runs.static.values.tolist() == [[2.0], [4.0]]
    assert runs.static_unit.values.tolist() == ["kg"]
    np.testing.assert_allclose(runs.t.values, [[5.5, 6.0]] * 2)
    alone = runs.drop_vars(["terminated", "truncated"])
    assert dl.concatenate([past(), alone], prefixes=["a", "b"]).static.values.tolist() == [
        [2.0],
        [2.0],
        [4.0],
    ]


WRONG = [
    (
        None,
        r"context: the model has static features \['mass'\], got no 'mass'; pass context=\{'mass': \.\.\.\}",
    ),
    ({"mas": 1.0}, r"unknown static feature in context 'mas'; did you mean 'mass'"),
    ({"mass": np.nan}, r"context: expected a finite number for 'mass', got nan"),
    ({"mass": "2"}, r"context: expected a finite number for 'mass', got '2'"),
    (
        np.ones(3),
        r"context: expected a trajectory dataset, the static features by name, or None, got ndarray",
    ),
    (past(runs=3), r"context: expected one run, or one for each of 2 episodes, got 3"),
]


@pytest.mark.parametrize(("context", "message"), WRONG)
def test_wrong_contexts(context, message):
    with pytest.raises(ArgumentError, match=message):
        run(World(2.0), mpc(), 2, max_steps=2, context=context, progress=False)


def test_a_model_environment_with_static_features():
    env = ModelEnv(drawer(), COST, (-10, 10), initial=past(mass=4.0), horizon=3)
    start, _ = env.reset(seed=0)
    assert start.tolist() == [7.0]
    assert env.step(np.array([2.0], np.float32))[0].tolist() == [7.5]
    runs = run(env, mpc(), 1, context={"mass": 4.0}, progress=False)
    np.testing.assert_allclose(runs.output.values[0, 1, 0], 4.5, atol=0.1)  # bounds: 10 / 4
    with pytest.raises(
        ArgumentError, match=r"initial: expected a trajectory dataset, because the model has static"
    ):
        ModelEnv(drawer(), COST, (-10, 10), initial=lambda generator: [0.0])


# Nothing that was recorded is thrown away


def test_an_environment_that_fails_leaves_what_was_recorded():
    with pytest.raises(OSError, match="the cable came loose") as failed:
        run(World(2.0, fails_at=2), mpc(), 2, max_steps=3, context={"mass": 2.0}, progress=False, seed=3)
    assert failed.value.runs.output.sizes["time"] == 3
    assert failed.value.runs.truncated.values[0].tolist() == [False, True, False]
    assert failed.value.runs.attrs["seed"] == 3
    assert "ended episode 0 after 2 steps" in failed.value.__notes__[0]
    assert "`runs`" in failed.value.__notes__[0]


def test_recording_that_fails_leaves_what_was_recorded():
    calls = iter(range(100))

    def policy(observation):
        if next(calls) == 4:
            raise KeyboardInterrupt
        return np.ones(1)

    with pytest.raises(KeyboardInterrupt) as stopped:
        dl.from_gymnasium(World(1.0), policy, episodes=3, max_steps=3, dt=0.5)
    runs = stopped.value.runs
    assert runs.dyn.lengths.tolist() == [4, 2]
    assert runs.output.values[1, :2, 0].tolist() == [1, 2]
    assert runs.truncated.values[1, 0]


def test_nothing_recorded_is_nothing_kept():
    with pytest.raises(OSError, match="cable") as failed:
        dl.from_gymnasium(World(1.0, fails_at=0), dt=0.5)
    assert not hasattr(failed.value, "runs")


def test_what_fails_between_two_episodes_leaves_the_finished_one_as_it_ended():
    class Once(World):
        def reset(self, *, seed=None, options=None):
            if getattr(self, "started", False):
                raise OSError("the cable came loose")
            self.started = True
            return super().reset(seed=seed, options=options)

    with pytest.raises(OSError, match="the cable came loose") as failed:
        dl.from_gymnasium(Once(1.0), lambda y: np.ones(1), episodes=2, max_steps=3, dt=0.5)
    assert failed.value.runs.truncated.values[0, :3].tolist() == [False, False, True]
    assert "ended episode 1 after 0 steps" in failed.value.__notes__[0]
