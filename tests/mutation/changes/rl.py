"""Changes of dynlearn/rl."""

from .._change import Change

CHANGES = [
    Change(
        "the reward is one interval late",
        "dynlearn/rl/environment.py",
        "return state, after, reward,",
        "return state, after, -cost.running(after, control, now),",
        (
            "tests/rl/test_composition.py::test_the_reward_is_that_of_the_instant_at_which_the_control_is_applied",
        ),
    ),
    Change(
        "episodes of an ensemble always follow member 0",
        "dynlearn/rl/environment.py",
        "self.model.member(int(self.np_random.integers(self.model.size)))",
        "self.model.member(0 * int(self.np_random.integers(self.model.size)))",
        ("tests/rl/test_composition.py::test_an_episode_follows_one_member_and_episodes_follow_all_of_them",),
    ),
    Change(
        "time stands still in an episode",
        "dynlearn/rl/environment.py",
        "self._time + self._count * self.interval",
        "self._time + 0 * self._count * self.interval",
        (
            "tests/rl/test_composition.py::test_the_reward_is_that_of_the_instant_at_which_the_control_is_applied",
        ),
    ),
    Change(
        "an episode is one step longer",
        "dynlearn/rl/environment.py",
        "self._count >= self.horizon, info",
        "self._count > self.horizon, info",
        ("tests/rl/test_environment.py::test_a_controller_runs_in_it",),
    ),
    Change(
        "the pendulum's cost forgets the torque",
        "dynlearn/rl/pendulum.py",
        "+ 0.001 * control[0] ** 2",
        "+ 0.0 * control[0] ** 2",
        ("tests/control/test_mpc.py::test_truth_is_the_environment",),
    ),
    Change(
        "the pendulum turns by its old rate",
        "dynlearn/rl/pendulum.py",
        "return jnp.stack([angle + rate * interval, rate])",
        "return jnp.stack([angle + state[1] * interval, rate])",
        ("tests/control/test_mpc.py::test_truth_is_the_environment",),
    ),
    Change(
        "starts may be before a run has the samples a model needs",
        "dynlearn/rl/starts.py",
        ">= self.model.required - 1)",
        ">= self.model.required - 2)",
        ("tests/rl/test_composition.py::test_episodes_start_where_a_run_has_the_samples_a_model_needs",),
    ),
    Change(
        "actions are not clipped to the bounds",
        "dynlearn/rl/environment.py",
        "jnp.asarray(np.clip(array, self.low, self.high))",
        "jnp.asarray(array)",
        ("tests/rl/test_composition.py::test_actions_beyond_the_bounds_are_those_at_the_bounds",),
    ),
]
