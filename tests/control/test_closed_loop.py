"""`run`: Gymnasium's contract on one side, the trajectory schema on the other."""

import json
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.control import CEM, MPC, Quadratic, run
from dynlearn.errors import ArgumentError
from dynlearn.models import Signature

PLANNER = CEM(samples=32, elites=6, iterations=2)


class Plant(gymnasium.Env):
    """The cart of the fixtures, with actions of shape (1, 1) and an end at position 3."""

    metadata = {"render_modes": []}  # noqa: RUF012
    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float64)
    action_space = gymnasium.spaces.Box(-0.7, 0.7, (1, 1), np.float32)

    def __init__(self):
        self.seeds, self.actions = [], []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.seeds.append(seed)
        self.x = self.np_random.uniform(-1, 1, 2)
        return self.x.copy(), {}

    def step(self, action):
        assert self.action_space.contains(action)
        self.actions.append(action)
        force = float(action[0, 0])
        self.x = self.x + 0.2 * np.array([self.x[1] + 0.1 * force, force])
        return self.x.copy(), -float(self.x @ self.x), bool(abs(self.x[0]) > 3), False, {}


class Policy:
    """A constant action: the smallest controller there is."""

    signature = Signature(("position", "rate"), ("force",))
    interval = 0.2

    def __init__(self, action=0.5, bounds=((-0.7,), (0.7,))):
        self.action, self.bounds = action, bounds

    def init(self, context=None, *, key=0):
        return None

    def missing(self, memory):
        return 0

    def record(self, memory, observation, action):
        return memory

    def act(self, memory, observation):
        decision = SimpleNamespace(cost=np.inf, seconds=0.0, name="planned")
        return np.array([self.action]), memory, decision


def mpc_for(model, **changes):
    cost = Quadratic(target=[0.0, 0.0], Q=[1.0, 0.1], R=[0.1])
    return MPC(model, cost, **({"horizon": 8, "planner": PLANNER, "bounds": (-0.7, 0.7)} | changes))


def test_runs_are_trajectories(cart):
    env = Plant()
    model = cart()
    runs = run(env, mpc_for(model), episodes=3, seed=5, max_steps=12, progress=False)
    assert dl.validate(runs) is runs
    assert dict(runs.sizes)["trajectory"] == 3
    assert runs.sizes["time"] == 13
    assert env.seeds == [5, 6, 7]
    assert np.isnan(runs.control.values[:, -1]).all()
    assert np.isfinite(runs.control.values[:, :-1]).all()
    np.testing.assert_allclose(runs.control.values[:, :-1].ravel(), np.ravel(env.actions))
    assert runs.truncated.values[:, -2].all()
    assert runs.truncated.values.sum() == 3
    assert runs.attrs["seed"] == 5
    assert json.loads(runs.attrs["reasons"]) == {"planned": 36}
    np.testing.assert_allclose(runs.t.values[..., 1] - runs.t.values[..., 0], 0.2)
    assert runs.t.attrs["units"] == "s"
    assert list(runs.output_unit.values) == ["m", "m/s"]
    # Each recorded transition is the plant's.
    y, u = runs.output.values, runs.control.values[..., 0]
    np.testing.assert_allclose(y[:, 1:, 1], y[:, :-1, 1] + 0.2 * u[:, :-1], atol=1e-12)


def test_same_seed_same_run(cart):
    mpc = mpc_for(cart())
    a, b, c = (run(Plant(), mpc, 1, seed, max_steps=5, progress=False) for seed in (3, 3, 4))
    np.testing.assert_array_equal(a.control, b.control)
    assert not np.array_equal(a.control.values[0, 0], c.control.values[0, 0])


def test_termination_ends_an_episode():
    runs = run(Plant(), Policy(0.7), episodes=2, progress=False)
    for i, length in enumerate(runs.dyn.lengths):
        assert runs.terminated.values[i, length - 2]
        assert runs.terminated.values[i].sum() == 1
        assert abs(runs.output.values[i, length - 1, 0]) > 3


def test_rounding_never_leaves_the_action_space():
    env = Plant()
    run(env, Policy(0.7, ((-0.7,), (0.7,))), episodes=1, max_steps=3, progress=False)
    assert env.actions[0].dtype == np.float32
    assert env.actions[0].shape == (1, 1)
    assert env.actions[0] <= env.action_space.high


@pytest.mark.parametrize("warmup", ["random", lambda observation, generator: [9.0]])
def test_warmup_until_the_model_has_seen_enough(cart, warmup):
    runs = run(Plant(), mpc_for(cart(required=4)), 1, max_steps=6, warmup=warmup, progress=False)
    assert json.loads(runs.attrs["reasons"]) == {"warmup": 3, "planned": 3}
    assert np.isnan(runs.plan_seconds.values[0, :3]).all()
    assert np.isfinite(runs.plan_seconds.values[0, 3:6]).all()
    assert np.nanmax(np.abs(runs.control)) <= np.float32(0.7)
    if callable(warmup):
        np.testing.assert_allclose(runs.control.values[0, :3, 0], 0.7)


def test_warmup_is_asked_for(cart):
    with pytest.raises(ArgumentError, match=r'must see several samples .*pass warmup="random"'):
        run(Plant(), mpc_for(cart(required=4)), 1, progress=False)


def test_a_controller_is_asked_for():
    with pytest.raises(ArgumentError, match=r"controller: expected an MPC .*got function"):
        run(Plant(), lambda observation: observation, progress=False)


def test_progress_bar_shows_the_return(cart, capsys):
    run(Plant(), Policy(), episodes=2, max_steps=3, progress=True)
    assert "mean" in capsys.readouterr().err


class Reused(Plant):
    """Returns its own state, and writes into the action it was given."""

    def reset(self, *, seed=None, options=None):
        self.x = np.zeros(2)
        return self.x, {}

    def step(self, action):
        kept = action.copy()
        action[:] = 9
        self.x += [1, 10 * kept[0, 0]]
        return self.x, np.array([1.0]), False, False, {}


class Writes(Policy):
    """A controller that uses one array for all its actions, and writes into what it sees."""

    buffer = np.zeros(1)

    def act(self, memory, observation):
        observation[:] = 77
        self.buffer[:] += 0.1
        return self.buffer, memory, SimpleNamespace(cost=0.0, seconds=0.0, name="planned")


def test_arrays_that_others_go_on_writing_to():
    runs = run(Reused(), Writes(), 1, max_steps=3, progress=False)
    np.testing.assert_allclose(runs.control.values[0, :-1, 0], [0.1, 0.2, 0.3], atol=1e-6)
    np.testing.assert_allclose(runs.output.values[0], [[0, 0], [1, 1], [2, 3], [3, 6]], atol=1e-5)
    assert runs.reward.values[0, :-1].tolist() == [1, 1, 1]


def test_an_observation_may_be_overwritten_once_it_was_acted_on(cart):
    mpc = mpc_for(cart(required=2))
    buffer, action = np.array([1.0, 2.0]), np.array([0.5])
    memory = mpc.record(mpc.init(), buffer, action)
    buffer[:], action[:] = 9, 9
    np.testing.assert_array_equal(memory.past.output[-1], [1, 2])
    assert memory.past.control[-1] == 0.5


class Timed(Plant):
    """Says what its step lasts; a wrapper around it may not."""

    dt = 0.05


class Repeat(gymnasium.Wrapper):
    def step(self, action):
        return self.env.step(action)


def test_the_interval_is_asked_for_where_a_wrapper_hides_it_and_the_user_is_believed():
    with pytest.raises(
        ArgumentError, match=r"the wrapper Repeat hides: .* the 0\.05 of Timed .*run\(\.\.\., dt="
    ):
        run(Repeat(Timed()), Policy(), 1, max_steps=2, progress=False)
    runs = run(Repeat(Timed()), Policy(), 1, dt=0.2, max_steps=2, progress=False)
    np.testing.assert_allclose(runs.t.values[0], [0, 0.2, 0.4])
    with pytest.raises(
        ArgumentError, match=r"plans with 0\.2, .*environment says 0\.05 .*or pass dt=0\.2 if that"
    ):
        run(Timed(), Policy(), 1, max_steps=2, progress=False)
    np.testing.assert_allclose(run(Timed(), Policy(), 1, dt=0.2, max_steps=2, progress=False).t, runs.t)
    with pytest.raises(
        ArgumentError, match=r"plans with 0\.2, but .* dt=0\.1 was passed; build .*interval=0\.1"
    ):
        run(Plant(), Policy(), 1, dt=0.1, progress=False)
    with pytest.raises(ArgumentError, match=r"dt: expected the time per step of env, > 0, or None, got 0"):
        run(Plant(), Policy(), 1, dt=0, progress=False)


def test_counts_of_numpy():
    runs = run(Plant(), Policy(), np.int64(2), np.int32(4), max_steps=np.uint8(2), progress=False)
    assert dict(runs.sizes)["trajectory"] == 2
    assert runs.attrs["seed"] == 4
    with pytest.raises(ArgumentError, match=r"seed: expected an integer >= 0, got -1"):
        run(Plant(), Policy(), seed=-1, progress=False)


@pytest.mark.parametrize(("action", "message"), [
    (0.9, r"action: expected an action inside Box.*got \[\[0\.8999.*clip it"),
    (np.nan, r"action: .*got \[\[nan\]\]"),
])  # fmt: skip
def test_an_action_outside_the_space_is_not_moved_into_it(action, message):
    with pytest.raises(ArgumentError, match=message):
        run(Plant(), Policy(action), 1, progress=False)


def test_a_warmup_of_another_size(cart):
    with pytest.raises(ArgumentError, match=r"warmup: expected 1 numbers, one per control, got 2"):
        run(
            Plant(),
            mpc_for(cart(required=4)),
            1,
            warmup=lambda observation, generator: [0, 0],
            progress=False,
        )


def test_data_fit_control_and_again_and_again():
    """The loop of the README, three rounds of it: each learns from all that was recorded before."""
    names = {"output_names": ["position", "rate"], "control_names": ["force"]}
    flat = gymnasium.wrappers.TransformAction(
        Plant(), lambda u: u[None].astype(np.float32), gymnasium.spaces.Box(-0.7, 0.7, (1,), np.float64)
    )
    data = dl.from_gymnasium(flat, episodes=2, max_steps=15, dt=0.2, units={"t": "s"}, **names)
    for round in range(3):
        model = dl.fit(dl.models.ARX.from_data(data, delays=0), data, progress=False).model
        runs = run(flat, mpc_for(model), 2, seed=10 * round, max_steps=15, progress=False)
        data = dl.concatenate([data, runs], prefixes=["" if round else "random-", f"round{round}-"])
        assert data.sizes["trajectory"] == 4 + 2 * round
    assert dl.validate(data) is data
    y, u = data.output.values, data.control.values[..., 0]
    np.testing.assert_allclose(y[:, 1:, 1], y[:, :-1, 1] + 0.2 * u[:, :-1], atol=1e-6)
    assert abs(y[-2:, -1, 0]).max() < 0.3  # and it has learned to hold the cart at rest
