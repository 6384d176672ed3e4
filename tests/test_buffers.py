"""Arrays that somebody else goes on writing to: copied where they come in and where they go out."""

import jax.numpy as jnp
import numpy as np
import pandas as pd

import dynlearn as dl
from dynlearn.solvers import FixedStep, Held, solve_ode

TRIES = 20
"""JAX takes over NumPy memory where it happens to be aligned: about every second time."""


def spoil(*arrays) -> None:
    for array in arrays:
        array[...] = -7


def test_from_arrays():
    for _ in range(2):
        y, u, x = np.arange(6.0).reshape(3, 2), np.ones((3, 1)), np.zeros((3, 1))
        t, m, ids = np.array([0.0, 1.0, 2.0]), np.array([5.0]), np.array([4])
        given = {"states": x, "static": m, "runs": ids}
        ds = dl.from_arrays(y, u, t, **given)
        before = ds.copy(deep=True)
        spoil(y, u, x, t, m, ids)
        assert ds.identical(before)
    runs = [np.zeros((3, 1)), np.ones((3, 1))]
    ds = dl.from_arrays(runs, dt=1.0)
    spoil(*runs)
    assert ds["output"].values[..., 0].tolist() == [[0, 0, 0], [1, 1, 1]]


def test_from_frame():
    columns = {name: np.arange(4.0) for name in "tyu"}
    for make in (dict, lambda c: pd.DataFrame(c, copy=False)):
        columns = {name: np.arange(4.0) for name in "tyu"}
        ds = dl.from_frame(make(columns), time="t", outputs=["y"], controls=["u"])
        before = ds.copy(deep=True)
        spoil(*columns.values())
        assert ds.identical(before)


def test_what_a_dataset_hands_out():
    ds = dl.from_arrays(np.arange(4.0), dt=1.0, static=np.array([2.0]), static_names=["m"])
    before = ds.copy(deep=True)
    table = ds.dyn.to_frame()
    table[:] = -7.0
    spoil(ds.dyn.times(0), ds.dyn.lengths)
    assert ds.identical(before)


def test_a_batch_on_the_device():
    for _ in range(TRIES):
        ds = dl.from_arrays(np.ones((16, 3, 1), np.float32), dt=1.0, static=np.ones((16, 16), np.float32))
        window = ds.dyn.to_device()
        spoil(ds["output"].values, ds["static"].values, ds["t"].values)
        assert float(window.static.sum()) == 256
        assert float(window.output.sum()) == 48
        assert float(window.time.max()) == 2


def test_a_control_signal_and_a_start():
    for _ in range(TRIES):
        times, values = np.arange(32, dtype=np.float32), np.ones((32, 1), np.float32)
        signal, start = Held(times, values), np.ones(16, np.float32)
        spoil(values, times)
        assert float(signal(jnp.asarray(3.0))[0]) == 1
        solution = solve_ode(
            lambda t, x, u, p: -0 * x, start, jnp.array([0.0, 1.0]), solver=FixedStep("euler")
        )
        spoil(start)
        assert solution.states[1].tolist() == [1] * 16
