"""Gymnasium episodes as runs."""

import gymnasium
import numpy as np
import pytest

from dynlearn.errors import ArgumentError
from dynlearn.trajectories import from_gymnasium
from dynlearn.trajectories.build import episodes as module
from dynlearn.trajectories.checks.validate import validate


def test_rewards_and_actions_stand_where_their_transition_starts():
    env = gymnasium.make("Pendulum-v1")
    actions, rewards = [], []

    def policy(observation):
        actions.append(np.clip([-2 * observation[1]], -2, 2).astype(np.float32))
        return actions[-1]

    ds = validate(from_gymnasium(env, policy, episodes=1, seed=3, max_steps=6))
    observation, _ = env.reset(seed=3)
    np.testing.assert_array_equal(ds["output"].values[0, 0], observation)
    for k, action in enumerate(actions):
        observation, reward, *_ = env.step(action)
        rewards.append(reward)
        np.testing.assert_array_equal(ds["output"].values[0, k + 1], observation)
    np.testing.assert_array_equal(ds["reward"].values[0], [*rewards, np.nan])
    np.testing.assert_array_equal(ds["control"].values[0, :-1], np.array(actions))
    assert np.isnan(ds["control"].values[0, -1]).all()
    assert ds["truncated"].values[0].tolist() == [False] * 5 + [True, False]
    assert not ds["terminated"].values.any()
    np.testing.assert_array_equal(ds.t.values[0], 0.05 * np.arange(7))


def test_termination():
    cart = gymnasium.make("CartPole-v1")
    wrapped = gymnasium.wrappers.TransformAction(
        cart, lambda u: int(u[0] > 0), gymnasium.spaces.Box(-1, 1, (1,))
    )
    ds = from_gymnasium(wrapped, episodes=3, seed=1, dt=0.02, units={"t": "s"})
    for run in ds.trajectory.values:
        terminated = ds.dyn.run(run)["terminated"].values[0]
        assert terminated[-2]
        assert terminated.sum() == 1
    assert len(set(ds.dyn.lengths.tolist())) > 1


def test_a_seed_gives_the_same_episodes_and_another_seed_others():
    first, again, other = (from_gymnasium("Pendulum-v1", episodes=2, seed=s, max_steps=4) for s in (0, 0, 1))
    assert first.identical(again)
    assert not np.isin(other["output"].values, first["output"].values).any()
    assert not np.array_equal(first["output"].values[0], first["output"].values[1])


def test_a_drawn_action_does_not_disturb_the_space_of_the_user():
    env = gymnasium.make("Pendulum-v1")
    env.action_space.seed(5)
    wanted = env.action_space.sample()
    env.action_space.seed(5)
    from_gymnasium(env, episodes=1, max_steps=2)
    np.testing.assert_array_equal(env.action_space.sample(), wanted)


def test_an_episode_that_never_ends_is_an_error(monkeypatch):
    monkeypatch.setattr(module, "ENDLESS", 20)
    env = gymnasium.make("Pendulum-v1").unwrapped  # without its time limit
    with pytest.raises(ArgumentError, match="max_steps: expected an episode that ends"):
        from_gymnasium(env, episodes=1)
