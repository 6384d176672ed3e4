"""A model as an environment, against the loop written out: which instant is rewarded, which member is followed."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.control import FunctionCost
from dynlearn.models import Ensemble
from dynlearn.rl import ModelEnv, PendulumTruth

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
