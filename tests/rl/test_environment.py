"""A model as an environment: Gymnasium's own checker, seeds, ends, and what the model says."""

import warnings

import equinox as eqx
import gymnasium
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import dynlearn as dl
from dynlearn.control import CEM, MPC, run
from dynlearn.errors import ArgumentError
from dynlearn.models import Ensemble
from dynlearn.rl import ModelEnv, PendulumCost, PendulumTruth

BOX = ([-1.1, -1.1, -8.1], [1.1, 1.1, 8.1])


def hanging(generator):
    angle = np.pi + generator.uniform(-0.5, 0.5)
    return [np.cos(angle), np.sin(angle), 0.0]


def environment(model=None, **changes):
    given = {"bounds": (-2, 2), "initial": hanging, "horizon": 20, "output_bounds": BOX} | changes
    return ModelEnv(PendulumTruth() if model is None else model, PendulumCost(), **given)


def ensemble(size=3):
    """The truth with other sensor gains: as different as members of a fitted ensemble."""

    def member(gain):
        return eqx.tree_at(lambda m: m.scaling.output_scale, PendulumTruth(), jnp.full(3, gain))

    return Ensemble(eqx.filter_vmap(member)(jnp.linspace(1.0, 2.0, size)), size)


@pytest.mark.parametrize("stochastic", [False, True])
def test_gymnasium_accepts_it(stochastic):
    model = ensemble() if stochastic else None
    box = ([-2.2, -2.2, -16.2], [2.2, 2.2, 16.2])
    env = environment(model, bounds=(-1, 1), stochastic=stochastic, output_bounds=box)
    check_env(env, skip_render_check=True)


def test_gymnasium_only_advises_on_physical_units():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*we recommend using a symmetric and normalized space")
        warnings.filterwarnings("ignore", message=".*Box observation space .*infinity")
        check_env(environment(output_bounds=None), skip_render_check=True)


def test_it_is_the_environment_it_models():
    with gymnasium.make("Pendulum-v1") as env:
        start, _ = env.reset(seed=0)
        copy = environment(initial=lambda generator: start)
        np.testing.assert_allclose(copy.reset(seed=0)[0], start, atol=1e-6)
        for k in range(20):
            action = np.array([2 * np.sin(k)], np.float32)
            one, other = env.step(action), copy.step(action)
            np.testing.assert_allclose(other[0], one[0], atol=1e-3)
            assert other[1] == pytest.approx(one[1], abs=1e-3)
            assert other[2:4] == (False, k == 19)


def test_starts_from_recorded_runs():
    ds = dl.from_gymnasium(
        "Pendulum-v1",
        episodes=2,
        max_steps=10,
        output_names=PendulumTruth().signature.output_names,
        control_names=["torque"],
    )
    env = environment(initial=ds)
    known = ds.output.values.reshape(-1, 3)
    starts = [env.reset(seed=seed)[0] for seed in range(8)]
    assert len({tuple(start) for start in starts}) > 3
    for start in starts:
        assert np.abs(known - start).max(axis=1).min() < 1e-6


def test_seeds_decide_everything():
    def path(seed):
        env = environment()
        first = env.reset(seed=seed)[0]
        return np.array([first, *(env.step(np.zeros(1, np.float32))[0] for _ in range(5))])

    np.testing.assert_array_equal(path(1), path(1))
    assert not np.array_equal(path(1), path(2))


def test_ensemble_episodes_follow_one_member():
    env = environment(ensemble(), stochastic=True)
    env.reset(seed=0)
    assert isinstance(env._episode, PendulumTruth)
    mean = environment(ensemble())
    observation, _ = mean.reset(seed=0)
    assert observation.shape == (3,)
    assert mean.step(np.zeros(1, np.float32))[0].shape == (3,)


def test_leaving_the_trusted_region_ends_an_episode():
    env = environment(output_bounds=([-1.1, -1.1, -1.0], [1.1, 1.1, 1.0]))
    before, _ = env.reset(seed=0)
    for _ in range(20):
        observation, _, terminated, _, info = env.step(np.array([2.0], np.float32))
        assert env.observation_space.contains(observation)
        if terminated:
            break
        before = observation
    assert terminated
    assert "output_bounds" in info["reason"]
    np.testing.assert_array_equal(observation, before)


def test_divergence_ends_an_episode():
    env = environment(output_bounds=None)
    before, _ = env.reset(seed=0)
    env._state = env._state * jnp.nan
    observation, _, terminated, truncated, info = env.step(np.zeros(1, np.float32))
    assert terminated
    assert not truncated
    np.testing.assert_array_equal(observation, before)
    assert "no longer finite" in info["reason"]


def test_a_controller_runs_in_it():
    planner = CEM(samples=32, elites=6, iterations=2)
    mpc = MPC(PendulumTruth(), PendulumCost(), 10, planner=planner, bounds=(-2, 2))
    runs = run(environment(), mpc, episodes=2, progress=False)
    assert runs.sizes["time"] == 21
    model, cost = PendulumTruth(), PendulumCost()
    y, u = runs.output.values, runs.control.values
    for i in range(2):
        assert np.abs(u[i, :-1]).mean() > 0.1
        for k in range(20):
            paid = -float(cost.running(jnp.asarray(y[i, k]), jnp.asarray(u[i, k]), jnp.zeros(())))
            assert runs.reward.values[i, k] == pytest.approx(paid, rel=1e-4)
            state = jnp.array([np.arctan2(y[i, k, 1], y[i, k, 0]), y[i, k, 2]])
            after = model.step(state, jnp.asarray(u[i, k]), jnp.zeros(()), jnp.asarray(0.05))
            np.testing.assert_allclose(y[i, k + 1], model.observe(after, jnp.zeros(1)).mean, atol=1e-4)


BAD = [
    ({"initial": 3}, r"initial: expected a trajectory dataset or a function .*got int"),
    ({"bounds": (2, -2)}, r"bounds: expected low < high"),
    ({"horizon": 0}, r"horizon: expected a number of steps"),
    ({"interval": 0.1}, r"interval: this discrete-time model steps by 0\.05 s, got 0\.1"),
    ({"output_bounds": (0, 0)}, r"output_bounds: expected low < high"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_bad_arguments(changes, message):
    with pytest.raises(ArgumentError, match=message):
        environment(**changes)


def test_bad_calls():
    env = environment()
    with pytest.raises(ArgumentError, match=r"step: expected reset\(\) first"):
        env.step(np.zeros(1, np.float32))
    env.reset(seed=0)
    with pytest.raises(ArgumentError, match=r"action: expected finite values of shape \(1,\)"):
        env.step(np.array([np.nan], np.float32))
    with pytest.raises(ArgumentError, match=r"options: expected none"):
        env.reset(options={"speed": 1})
    with pytest.raises(ArgumentError, match=r"initial: expected 3 finite outputs"):
        environment(initial=lambda generator: [1.0]).reset(seed=0)
    with pytest.raises(ArgumentError, match=r"initial: expected a start within output_bounds"):
        environment(initial=lambda generator: [1.0, 0.0, 9.0]).reset(seed=0)


def test_what_it_gives_and_takes_is_nobody_elses():
    start = np.array([-1.0, 0.0, 0.0])
    env, other = (environment(initial=lambda generator: start) for _ in range(2))
    observation, _ = env.reset(seed=0)
    other.reset(seed=0)
    start[:] = 0
    observation[:] = 7
    action = np.array([1.0], np.float32)
    for _ in range(3):
        came, wanted = env.step(action), other.step(np.array([1.0], np.float32))
        np.testing.assert_array_equal(came[0], wanted[0])
        assert came[1] == wanted[1]
        came[0][:] = 7


def test_its_episodes_are_recorded_with_its_interval():
    ds = dl.from_gymnasium(environment(), episodes=1, max_steps=2)
    np.testing.assert_allclose(ds.t.values[0], [0, 0.05, 0.1])
