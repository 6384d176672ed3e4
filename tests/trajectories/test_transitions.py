"""Episodes that follow one another in one array are cut where they end."""

import numpy as np
import pandas as pd
import pytest

from dynlearn.errors import ArgumentError, SchemaError
from dynlearn.trajectories import from_arrays, from_csv, from_frame, from_gymnasium

NAN = np.nan
Y, U, R = np.arange(7.0), np.arange(7.0) + 10, np.arange(7.0) + 20
TERMINAL = np.array([0, 0, 1, 0, 0, 0, 0])
TIMEOUT = np.array([0, 0, 0, 0, 1, 0, 0], bool)


def episodes(ds, name="output") -> list[list[float]]:
    return [
        ds[name].isel(trajectory=i).values.ravel()[: ds.dyn.lengths[i]].tolist() for i in range(ds.dyn.n_runs)
    ]


def test_flattened_offline_data():
    ds = from_arrays(Y, U, dt=0.5, reward=R, terminated=TERMINAL, truncated=TIMEOUT)
    assert ds.trajectory.values.tolist() == [0, 1, 2]
    assert episodes(ds) == [[0, 1, 2], [3, 4], [5, 6]]
    assert episodes(ds, "control") == [[10, 11, 12], [13, 14], [15, 16]]
    assert episodes(ds, "reward") == [[20, 21, 22], [23, 24], [25, 26]]
    assert episodes(ds, "terminated") == [[False, False, True], [False, False], [False, False]]
    assert episodes(ds, "truncated") == [[False] * 3, [False, True], [False, False]]
    assert [ds.dyn.times(i).tolist() for i in range(3)] == [[0, 0.5, 1], [0, 0.5], [0, 0.5]]
    assert ds["terminated"].dtype == bool


def test_stored_last_observations_stay_with_their_episode():
    ended = np.array([0, 1, 0, 0, 1, 0, 0])
    reward = np.where([0, 0, 1, 0, 0, 1, 0], NAN, R)
    ds = from_arrays(Y, U, dt=1.0, reward=reward, terminated=ended)
    assert episodes(ds) == [[0, 1, 2], [3, 4, 5], [6]]
    control = np.where([0, 0, 1, 0, 0, 1, 0], NAN, U)
    assert episodes(from_arrays(Y, control, dt=1.0, terminated=ended)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert episodes(from_arrays(Y, dt=1.0, terminated=ended)) == [[0, 1], [2, 3, 4], [5, 6]]


def test_recorded_episodes_come_back_from_one_flat_table():
    recorded = from_gymnasium("Pendulum-v1", episodes=3, max_steps=4)
    names = {"outputs": ["y0", "y1", "y2"], "controls": ["u0"]}
    flags = {"reward": "reward", "terminated": "terminated", "truncated": "truncated"}
    table = recorded.dyn.to_frame().drop(columns="trajectory")
    for back in (from_frame(table, time="t", **names, **flags), from_frame(table, dt=0.05, **names, **flags)):
        for name in ("output", "control", "reward", "terminated", "truncated", "t"):
            np.testing.assert_array_equal(back[name], recorded[name])


def test_truth_values_are_numbers_as_rewards():
    ds = from_arrays(Y[:2], dt=1.0, reward=[True, False])
    assert ds["reward"].values.tolist() == [[1.0, 0.0]]
    assert ds["reward"].dtype == np.float64


def test_several_runs_are_cut_each():
    two = {"terminated": [TERMINAL, 0 * TERMINAL], "static": [[1.0], [2.0]]}
    ds = from_arrays([Y, Y], times=[np.arange(7), np.arange(7) + 100], runs=["a", "b"], **two)
    assert ds.trajectory.values.tolist() == ["a/0", "a/1", "b/0"]
    assert [ds.dyn.times(run)[0] for run in ds.trajectory.values] == [0, 3, 100]
    assert ds["static"].values.ravel().tolist() == [1, 1, 2]
    whole = from_arrays([Y, Y], dt=1.0, runs=["a", "b"], terminated=np.zeros((2, 7)))
    assert whole.trajectory.values.tolist() == ["a", "b"]


def test_columns_of_tables(tmp_path):
    table = pd.DataFrame({"y": Y, "r": R, "done": TERMINAL == 1, "run": ["a"] * 5 + ["b"] * 2})
    roles = {"outputs": ["y"], "reward": "r", "terminated": "done", "dt": 1.0, "units": {"r": "1/s"}}
    ds = from_frame(table, **roles)
    assert episodes(ds) == [[0, 1, 2], [3, 4, 5, 6]]
    assert ds["reward"].attrs["units"] == "1/s"
    assert from_frame(table, trajectory="run", **roles).trajectory.values.tolist() == ["a/0", "a/1", "b/0"]
    table.to_csv(tmp_path / "a.csv", index=False)
    assert from_csv(tmp_path / "a.csv", **roles).identical(ds)


def test_what_does_not_fit_is_refused():
    with pytest.raises(
        ArgumentError, match=r"reward: .*every run \[7\], got shapes \[\(6,\)\]; add a last NaN"
    ):
        from_arrays(Y, dt=1.0, reward=R[:6])
    with pytest.raises(ArgumentError, match=r"terminated: .*got shapes \[\(5,\)\]; give every sample"):
        from_arrays(Y, dt=1.0, terminated=TERMINAL[:5])
    with pytest.raises(ArgumentError, match=r"truncated: expected True and False, or 0 and 1, got 2\.0"):
        from_arrays(Y, dt=1.0, truncated=2 * TERMINAL)
    with pytest.raises(ArgumentError, match=r"terminated: .*got nan"):
        from_arrays(Y, dt=1.0, terminated=np.where(TERMINAL, NAN, 0))
    with pytest.raises(SchemaError, match="at least one sample in every run, got none in run 1"):
        from_arrays([Y, Y[:0]], dt=1.0, terminated=[TERMINAL * 0, TERMINAL[:0]])
    with pytest.raises(ArgumentError, match="reward: unknown column 'rew'"):
        from_frame({"y": Y}, dt=1.0, outputs=["y"], reward="rew")
