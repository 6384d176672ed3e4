"""Changes of dynlearn/plot."""

from .._change import Change

CHANGES = [
    Change(
        "rewards count from the sample they lead to",
        "dynlearn/plot/control/closed_loop.py",
        "np.concatenate([[0.0], np.cumsum(reward[:-1])])",
        "np.cumsum(reward)",
        ("tests/plot/test_time_series.py::test_closed_loop_sums_the_reward_and_draws_the_bounds",),
    ),
    Change(
        "bands of a simulation are deviations, not quantiles",
        "dynlearn/plot/forecast/simulation.py",
        "NormalDist().inv_cdf(high) * scale",
        "high * scale",
        ("tests/plot/test_time_series.py::test_simulation_bands_are_gaussian_about_the_mean_path",),
    ),
    Change(
        "the bar of a controller is the median",
        "dynlearn/plot/control/returns.py",
        "ax.plot([earned.mean()] * 2",
        "ax.plot([np.median(earned)] * 2",
        ("tests/plot/test_fits_and_scores.py::test_returns_show_every_episode_and_the_mean",),
    ),
    Change(
        "returns are mean rewards",
        "dynlearn/plot/control/returns.py",
        'given["reward"].sum("time")',
        'given["reward"].mean("time")',
        ("tests/plot/test_fits_and_scores.py::test_returns_of_a_closed_loop_are_its_summed_rewards",),
    ),
]
