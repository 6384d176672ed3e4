"""The border to environments: nothing shared, nothing guessed, each thing that is no environment told by its name."""

import re
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Text, Tuple

import dynlearn as dl
from dynlearn.errors import ArgumentError, DynlearnError, MissingExtraError
from dynlearn.trajectories.environments import opened, stated_interval


class Counter(gymnasium.Env):
    """Observes (k, 10 k) after k steps. What `step` returns can be replaced piece by piece."""

    def __init__(self, dtype=np.float64, shape=(1,), **changes):
        self.observation_space = Box(-np.inf, np.inf, (2,), dtype)
        self.action_space = Box(-1, 1, shape, dtype)
        self.changes, self.dt = changes, 0.5
        self.seen, self.buffer = [], np.zeros(2, dtype)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.buffer[:] = 0
        return self.changes.get("first", self.buffer), {}

    def step(self, action):
        self.seen.append(action)
        self.buffer += [1, 10]
        names = ("observation", "reward", "terminated", "truncated", "info")
        came = dict(zip(names, (self.buffer, 1.0, False, False, {}), strict=True)) | self.changes
        return tuple(came[name] for name in names)


class Repeat(gymnasium.Wrapper):
    """Action repeat, as everybody writes it."""

    def step(self, action):
        for _ in range(4):
            *came, info = self.env.step(action)
        return (*came, info)


class SpokenRepeat(Repeat):
    dt = 2.0


class Shaped(gymnasium.RewardWrapper):
    def reward(self, reward):
        return -reward


def record(env, policy=None, **options):
    return dl.from_gymnasium(env, policy, **{"episodes": 1, "max_steps": 3} | options)


STEPS = np.stack([np.arange(4.0), 10 * np.arange(4.0)], 1)


# Buffers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_environment_may_reuse_its_arrays(dtype):
    env = Counter(dtype, reward=np.ones(1))
    np.testing.assert_array_equal(record(env).output.values[0], STEPS)


def test_a_policy_may_reuse_its_arrays():
    buffer = np.zeros(1)

    def policy(observation):
        buffer[:] = observation[0] / 10
        return buffer

    np.testing.assert_allclose(record(Counter(), policy).control.values[0, :-1, 0], [0, 0.1, 0.2])


def test_nobody_can_write_into_what_another_holds():
    class Spoiler(Counter):
        def step(self, action):
            action[:] = 7
            return super().step(action)

    def policy(observation):
        observation[:] = 99
        return np.full(1, 0.5)

    env = Spoiler()
    ds = record(env, policy)
    np.testing.assert_array_equal(ds.output.values[0], STEPS)
    np.testing.assert_array_equal(ds.control.values[0, :-1], 0.5)


# The time per step

KNOWN = [
    (lambda: Counter(), 0.5),
    (lambda: gymnasium.wrappers.TimeLimit(gymnasium.wrappers.OrderEnforcing(Counter()), 5), 0.5),
    (lambda: gymnasium.wrappers.RescaleAction(Counter(), np.float64(-2), np.float64(2)), 0.5),
    (lambda: gymnasium.wrappers.TransformReward(Counter(), lambda r: 2 * r), 0.5),
    (lambda: Shaped(Counter()), 0.5),
    (lambda: gymnasium.wrappers.TimeLimit(SpokenRepeat(Counter()), 5), 2.0),
    (lambda: gymnasium.make("Pendulum-v1"), 0.05),
    (lambda: Repeat(Counter()), None),
    (lambda: gymnasium.wrappers.TimeLimit(Repeat(Counter()), 5), None),
    (lambda: gymnasium.make("MountainCarContinuous-v0"), None),
]


@pytest.mark.parametrize(("build", "interval"), KNOWN)
def test_the_interval_is_known_or_asked_for(build, interval):
    assert stated_interval(build()).interval == interval


@pytest.mark.parametrize("dt", [np.float32(0.25), np.array(0.25), np.float64(0.25)])
def test_an_interval_is_any_real_number(dt):
    env = Counter()
    env.dt = dt
    assert record(env).t.values[0, 1] == 0.25


@pytest.mark.parametrize("dt", [0.0, -1.0, np.nan, "0.1", True, None])
def test_an_attribute_that_is_no_interval_is_none(dt):
    env = Counter()
    env.dt = dt
    with pytest.raises(ArgumentError, match=r"dt: expected the time per step, which .* not state .*dt=1\.0"):
        record(env)


def test_a_wrapper_that_may_repeat_is_asked_about_and_believed():
    with pytest.raises(ArgumentError, match=r"dt: .*the wrapper Repeat hides.*the 0\.5 of Counter.*pass dt="):
        record(Repeat(Counter()))
    ds = record(Repeat(Counter()), dt=2.0)
    np.testing.assert_array_equal(ds.t.values[0], 2.0 * np.arange(4))
    np.testing.assert_array_equal(ds.output.values[0, :, 0], 4 * np.arange(4))


# Spaces

ACTIONS = [
    (
        Discrete(3),
        r"got Discrete\(3\); .*let the largest of 3 choose, .*int\(u\.argmax\(\)\), .*Box\(0, 1, \(3,\)\)",
    ),
    (Discrete(3, start=-1), r"got Discrete\(3, start=-1\); .*int\(u\.argmax\(\)\) \+ -1"),
    (MultiDiscrete([2, 2]), r"got MultiDiscrete.*TransformAction\(env, f, .*Box"),
    (MultiBinary(2), r"got MultiBinary\(2\).*one control per action"),
    (Box(0, 2, (1,), np.int32), r"got Box\(0, 2, \(1,\), int32\).*TransformAction"),
    (Dict(a=Box(-1, 1)), r"got Dict.*unflatten\(env\.action_space, u\)"),
    (Tuple([Box(-1, 1)]), r"got Tuple.*flatten_space"),
    (Text(3), r"got Text.*TransformAction"),
]


@pytest.mark.parametrize(("space", "message"), ACTIONS)
def test_actions_are_continuous(space, message):
    env = Counter()
    env.action_space = space
    with pytest.raises(ArgumentError, match=r"env\.action_space: expected a Box of floats, " + message):
        record(env)


@pytest.mark.parametrize("start", [0, -1])
def test_the_remedy_for_discrete_actions_works(start):
    env = Counter()
    env.action_space = Discrete(3, start=start)
    with pytest.raises(ArgumentError) as refused:
        record(env)
    remedy = re.search(r"gymnasium\.wrappers\.TransformAction\(.*\)\), or", str(refused.value)).group()[:-4]
    ds = record(eval(remedy, {"gymnasium": gymnasium, "env": env}), dt=1.0, max_steps=20)
    taken = ds.control.values[0, :-1].argmax(1) + start
    assert taken.tolist() == env.seen
    assert set(env.seen) == {start, start + 1, start + 2}
    one_hot = np.vstack([np.eye(3)[taken - start], np.full((1, 3), np.nan)])
    assert dl.from_arrays(ds.output.values[0], one_hot, dt=0.5).dyn.controls == ("u0", "u1", "u2")


def test_the_remedy_for_composed_actions_works():
    env = Counter(np.float32)
    env.action_space = space = Dict(a=Box(-1, 1), b=Box(-2, 2, (2,)))
    with pytest.raises(ArgumentError) as refused:
        record(env)
    remedy = re.search(r"gymnasium\.wrappers\.TransformAction\(.*\)\)", str(refused.value)).group()
    ds = record(eval(remedy, {"gymnasium": gymnasium, "env": env}), dt=1.0)
    assert ds.sizes["control_name"] == 3
    assert all(space.contains(action) for action in env.seen)
    np.testing.assert_allclose(ds.control.values[0, :-1, 1:], [action["b"] for action in env.seen])


OBSERVATIONS = [Discrete(2), Box(0, 1, (2, 2)), Dict(a=Box(0, 1), b=Discrete(2)), MultiBinary(3)]


@pytest.mark.parametrize("space", OBSERVATIONS)
def test_the_remedy_for_observations_works(space):
    first = space.sample()
    env = Counter(first=first, observation=first)
    env.observation_space = space
    with pytest.raises(ArgumentError, match=r"observation_space: .*FlattenObservation\(env\)"):
        record(env)
    wrapped = gymnasium.wrappers.FlattenObservation(env)
    np.testing.assert_allclose(record(wrapped).output.values[0, 0], gymnasium.spaces.flatten(space, first))


def test_observations_without_a_fixed_size():
    env = Counter()
    env.observation_space = gymnasium.spaces.Sequence(Box(0, 1))
    with pytest.raises(ArgumentError, match=r"observation_space: .*fixed number of entries"):
        record(env)


def test_actions_of_any_shape_are_controls_in_order():
    env = Counter(shape=(2, 2))
    ds = record(env, lambda observation: np.array([[0.1, 0.2], [0.3, 0.4]]))
    np.testing.assert_array_equal(ds.control.values[0, 0], [0.1, 0.2, 0.3, 0.4])
    assert env.seen[0].shape == (2, 2)


# What step returns


@pytest.mark.parametrize("reward", [2, np.float32(2), np.array([2.0]), np.array([[2]]), True])
def test_rewards_of_any_form(reward):
    given = record(Counter(reward=reward)).reward.values[0]
    np.testing.assert_array_equal(given[:-1], [np.sum(reward)] * 3)


def test_no_reward():
    ds = record(Counter(reward=None, terminated=np.bool_(False), truncated=np.array([0])))
    assert np.isnan(ds.reward.values).all()
    assert ds.truncated.values[0].tolist() == [False, False, True, False]


RETURNS = [
    ({"reward": np.ones(2)}, r"reward: expected a number, got shape \(2,\)"),
    ({"reward": np.inf}, r"reward: expected a number, got inf"),
    ({"reward": "much"}, r"reward: expected a number, got 'much'"),
    ({"terminated": None}, r"terminated: expected True or False, got None"),
    ({"truncated": 2}, r"truncated: expected True or False, got 2; let env.step return a bool"),
    ({"truncated": np.zeros(2, bool)}, r"truncated: expected True or False, got array"),
    (
        {"observation": np.zeros(3)},
        r"observation: expected 2 numbers, as observation_space says, got shape \(3,\)",
    ),
    ({"first": np.zeros(1)}, r"observation: expected 2 numbers, .*got shape \(1,\)"),
    ({"observation": {"x": np.zeros(2)}}, r"observation: expected 2 numbers, .*got \{'x'"),
    ({"observation": np.ma.masked_array([1.0, 2.0], [1, 0])}, r"observation: .*got a masked array; .*filled"),
    ({"observation": None}, r"observation: expected 2 numbers, .*got None"),
    ({"observation": np.array([np.inf, 0])}, r"observation: expected finite numbers, got \[inf, 0\.0\]"),
]


@pytest.mark.parametrize(("changes", "message"), RETURNS)
def test_what_an_environment_returns_is_checked(changes, message):
    with pytest.raises(ArgumentError, match=message):
        record(Counter(**changes))


def test_an_environment_without_spaces():
    with pytest.raises(
        ArgumentError, match=r"env\.observation_space: expected a space of Gymnasium, got None; set it"
    ):
        record(type("Bare", (gymnasium.Env,), {})())


def test_names_and_units_are_refused_before_anything_runs():
    for options in ({"units": {"x": "m"}}, {"output_names": ["a", "a"]}, {"control_names": ["u", "v"]}):
        env = Counter()
        with pytest.raises(DynlearnError, match=r"units: unknown name 'x'|unique ones|a list of 1 names"):
            record(env, **options)
        assert not env.seen


WRAPPERS = [
    lambda env: gymnasium.wrappers.FlattenObservation(gymnasium.wrappers.FrameStackObservation(env, 3)),
    lambda env: gymnasium.wrappers.Autoreset(env),
    lambda env: gymnasium.wrappers.ClipAction(env),
    lambda env: gymnasium.wrappers.DelayObservation(env, 1),
    lambda env: gymnasium.wrappers.RecordEpisodeStatistics(env),
]


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_wrappers_of_gymnasium(wrap):
    first, again = (record(wrap(gymnasium.make("Pendulum-v1")), episodes=2, seed=4) for _ in range(2))
    assert first.identical(again)
    assert (first.dyn.lengths.tolist(), float(first.t[0, 1])) == ([4, 4], 0.05)


def test_an_episode_of_one_step():
    ds = record(Counter(truncated=True, terminated=True), episodes=2)
    assert ds.dyn.lengths.tolist() == [2, 2]
    assert ds.terminated.values[:, 0].tolist() == ds.truncated.values[:, 0].tolist() == [True, True]


def test_nan_is_not_measured():
    ds = record(Counter(observation=np.array([np.nan, 1.0])))
    np.testing.assert_array_equal(ds.output.values[0, 1], [np.nan, 1.0])


def test_the_old_interface_is_named():
    class Old(Counter):
        def reset(self, **options):
            return np.zeros(2)

    class OldStep(Counter):
        def step(self, action):
            return np.zeros(2), 0.0, False, {}

    with pytest.raises(ArgumentError, match=r"env\.reset: expected \(observation, info\).*got ndarray"):
        record(Old())
    with pytest.raises(ArgumentError, match=r"env\.step: expected \(observation, reward, .*got 4 values"):
        record(OldStep())


# Policies


class Recurrent:
    """Says how often it was asked in this episode."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        count = 0 if state is None else state + 1
        return np.array([count / 10]), count


class Plain:
    def predict(self, observation):
        return np.array([observation[0] / 10])


POLICIES = [
    lambda observation: (np.array([observation[0] / 10]), None),
    lambda observation: (np.array([observation[0] / 10]), {"log_prob": 3.0}),
    lambda observation: (observation[0] / 10,),
    lambda observation: [observation[0] / 10],
    Recurrent(),
    Recurrent().predict,
    Plain(),
    Plain().predict,
]


@pytest.mark.parametrize("policy", POLICIES)
def test_policies_of_every_form(policy):
    ds = record(Counter(), policy, episodes=2)
    np.testing.assert_allclose(ds.control.values[:, :-1, 0], [[0, 0.1, 0.2]] * 2)


def test_a_tuple_of_two_numbers_is_an_action_of_two_numbers():
    ds = record(Counter(shape=(2,)), lambda observation: (0.1, 0.2))
    np.testing.assert_array_equal(ds.control.values[0, 0], [0.1, 0.2])


BAD_POLICIES = [
    (3, r"policy: expected a function .*or an object with predict\(observation\), got int"),
    (lambda y: None, r"policy: expected an action inside Box.*got None"),
    (lambda y: [0.1, 0.2], r"policy: .*got shape \(2,\); return an array of shape \(1,\)"),
    (lambda y: [np.nan], r"policy: .*got \[nan\]; check"),
    (lambda y: [2.0], r"policy: .*got \[2\.0\]; clip it"),
]


@pytest.mark.parametrize(("policy", "message"), BAD_POLICIES)
def test_bad_policies(policy, message):
    with pytest.raises(ArgumentError, match=message):
        record(Counter(), policy)


# What is no environment

OTHERS = [
    (
        lambda: gymnasium.make_vec("Pendulum-v1", 2),
        r"a vector of 2 environments; pass one of them.*episodes=",
    ),
    (
        lambda: SimpleNamespace(action_spec=print, observation_spec=print),
        r"dm_control.*DmControlCompatibilityV0",
    ),
    (lambda: SimpleNamespace(iterate_episodes=print), r"recorded episodes; .*dl\.from_arrays"),
    (
        lambda: {"observations": 1, "actions": 2},
        r"recorded arrays \['actions', 'observations'\]; .*dl\.from_arrays",
    ),
    (
        lambda: SimpleNamespace(step=print, reset=print),
        r"none of its subclasses; make its class a gymnasium\.Env",
    ),
    (lambda: Counter, r"got the class Counter; make one: Counter\(\)"),
    (lambda: None, r"got None; pass an instance"),
    (lambda: "Pendulum-v7", r"env: expected an environment or its id, got 'Pendulum-v7' .*pprint_registry"),
]


def remedy_of(env, **known):
    with pytest.raises(ArgumentError) as refused:
        record(env)
    call = re.search(r"dl\.from_arrays\(.*dt=.*\)", str(refused.value)).group().replace("dt=...", "dt=0.5")
    return eval(call, {"dl": dl, "numpy": np, **known})


def test_offline_data_enter_as_they_are_told_to():
    ends = np.array([False, False, True, False, False])
    data = {
        "observations": np.arange(10.0).reshape(5, 2),
        "actions": np.ones((5, 1)),
        "rewards": np.arange(5.0),
        "terminals": ends,
        "timeouts": np.zeros(5, bool),
    }
    ds = remedy_of(data, data=data)
    assert ds.dyn.lengths.tolist() == [3, 2]
    assert ds.reward.values[0].tolist() == [0, 1, 2]
    one = SimpleNamespace(observations=np.ones((4, 2)), actions=np.ones((3, 1)))
    ds = remedy_of(SimpleNamespace(iterate_episodes=print), runs=[one, one])
    assert (ds.dyn.lengths.tolist(), ds.dyn.controls) == ([4, 4], ("u0",))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("build", "message"), OTHERS)
def test_what_is_no_environment_is_told_by_its_name(build, message):
    env = build()
    with pytest.raises(ArgumentError, match=message):
        record(env)


def test_a_missing_library_is_named():
    pytest.importorskip("gymnasium")
    gymnasium.register("NeedsMore-v0", entry_point="nowhere_at_all:Env")
    try:
        with pytest.raises(MissingExtraError, match=r"env: NeedsMore-v0 needs a library.*dynlearn\[envs\]"):
            record("NeedsMore-v0")
    finally:
        gymnasium.registry.pop("NeedsMore-v0")


def test_what_was_made_is_closed(monkeypatch):
    closed = []
    monkeypatch.setattr(gymnasium.Wrapper, "close", lambda self: closed.append(self))
    with opened("Pendulum-v1"):
        assert not closed
    assert closed
    env = Counter()
    with opened(env) as same:
        assert same is env


def test_counts_of_numpy():
    ds = dl.from_gymnasium(Counter(), episodes=np.int64(2), seed=np.uint8(3), max_steps=np.int32(2))
    assert (ds.sizes["trajectory"], ds.sizes["time"]) == (2, 3)
    with pytest.raises(ArgumentError, match=r"episodes: expected an integer >= 1, got True"):
        record(Counter(), episodes=True)
