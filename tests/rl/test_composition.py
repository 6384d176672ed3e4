"""A model as an environment, against the loop written out: which instant is rewarded, which member is followed."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.control import FunctionCost
from dynlearn.errors import ArgumentError
from dynlearn.models import ARX, Ensemble, ErrorGrowth, Scaling, Signature
from dynlearn.rl import ModelEnv, PendulumTruth
from dynlearn.rl.starts import Starts

ACTIONS = np.array([0.5, -2.0, 1.5, 1.0])


def start(generator):
    return [1.0, 0.0, 0.3]


def test_the_reward_is_that_of_the_instant_at_which_the_control_is_applied():
    """reward_k = -running(y_k, u_k, t_k): of the observation acted on, not of the one it leads to."""
    cost = FunctionCost(lambda y, u, t: y[2] ** 2 + 10 * y[2] * u[0] + 100 * t)
    env = ModelEnv(PendulumTruth(), cost, bounds=(-2, 2), initial=start, horizon=4)
    y, _ = env.reset(seed=0)
    for k, u in enumerate(ACTIONS):
        expected = -(y[2] ** 2 + 10 * y[2] * u + 100 * 0.05 * k)
        y, reward, *_ = env.step(np.array([u], np.float32))
        assert reward == pytest.approx(expected, rel=1e-4)


def test_an_episode_follows_one_member_and_episodes_follow_all_of_them():
    """Members differ in the gain of their sensors, which the first observation shows."""

    def member(gain):
        return eqx.tree_at(lambda m: m.scaling.output_scale, PendulumTruth(), jnp.full(3, gain))

    gains = np.array([1.0, 1.5, 2.0])
    ensemble = Ensemble(eqx.filter_vmap(member)(jnp.asarray(gains)), 3)
    env = ModelEnv(
        ensemble, FunctionCost(lambda y, u, t: u[0] ** 2), bounds=(-2, 2), initial=start, stochastic=True
    )
    followed = []
    for seed in range(40):
        env.reset(seed=seed)
        followed.append(float(env._episode.scaling.output_scale[0]))
        env.step(np.zeros(1, np.float32))
        assert float(env._episode.scaling.output_scale[0]) == followed[-1]
    counts = [followed.count(gain) for gain in gains]
    assert sum(counts) == 40
    assert min(counts) >= 5


def test_actions_beyond_the_bounds_are_those_at_the_bounds():
    cost = FunctionCost(lambda y, u, t: u[0])
    found = []
    for action in (1.5, 1.0):
        env = ModelEnv(PendulumTruth(), cost, bounds=(-1, 1), initial=start, horizon=4)
        env.reset(seed=0)
        found.append(env.step(np.array([action], np.float32)))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1] == -1.0


def test_episodes_start_where_a_run_has_the_samples_a_model_needs():
    """A model of two delays: at measured samples with two others before them."""
    y = np.arange(10.0).reshape(2, 5)
    y[1, 3] = np.nan
    ds = dl.from_arrays(list(y[..., None]), list(np.zeros((2, 5, 1))), dt=1.0)
    law = ErrorGrowth(*[jnp.ones(1)] * 5)
    model = ARX(Signature(("y0",), ("u0",), interval=1.0), Scaling.unit(1, 1), jnp.zeros((1, 7)), law, 2, 0)
    starts = Starts(ds, model)
    assert starts.places.tolist() == [[0, 2], [0, 3], [0, 4], [1, 2], [1, 4]]
    past, now = starts.draw(np.random.default_rng(0))
    assert past.time[-1] == now
    assert past.valid.all()


def test_a_reward_that_reads_the_time_is_refused_where_float32_cannot_tell_it():
    """Near 1.7e9 s float32 knows every 128th second: the reward would stand still."""
    angle = np.stack([np.ones(5), np.zeros(5), np.zeros(5)], 1)
    names = {"output_names": PendulumTruth().signature.output_names, "control_names": ["torque"]}
    far = dl.from_arrays(angle, np.zeros((5, 1)), times=1.7e9 + 0.05 * np.arange(5), **names)
    late = FunctionCost(lambda y, u, t: jnp.cos(2 * t))
    with pytest.raises(ArgumentError, match="initial: the cost reads the time"):
        ModelEnv(PendulumTruth(), late, bounds=(-2, 2), initial=far)
    ModelEnv(PendulumTruth(), late, bounds=(-2, 2), initial=far.assign_coords(t=far.t - 1.7e9))
    ModelEnv(PendulumTruth(), FunctionCost(lambda y, u, t: u[0] ** 2), bounds=(-2, 2), initial=far)
