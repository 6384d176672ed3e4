"""Forecasts of a driven model against its recursion written out: which control, which instant, which run."""

import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.models import ARX, ErrorGrowth, Scaling, Signature

SIGNATURE = Signature(("y",), ("a", "b"), interval=0.5)


@pytest.fixture(scope="module")
def model() -> ARX:
    """y_{k+1} = 0.5 y_k - 0.3 y_{k-1} + 4 a_{k-1} - 2 b_{k-1} + a_k + 3 b_k + 0.25."""
    weights = jnp.array([[0.5, -0.3, 4.0, -2.0, 1.0, 3.0, 0.25]])
    return ARX(SIGNATURE, Scaling.unit(1, 2), weights, ErrorGrowth(*[jnp.ones(1)] * 5), 1, 0)


def followed(y: list[float], u: np.ndarray, start: int) -> np.ndarray:
    """Outputs after sample `start` up to the end of the controls `u` (sample, control)."""
    y = list(y[: start + 1])
    for k in range(start, len(u) - 1):
        (a0, b0), (a, b) = u[k - 1], u[k]
        y.append(0.5 * y[k] - 0.3 * y[k - 1] + 4 * a0 - 2 * b0 + a + 3 * b + 0.25)
    return np.array(y[start + 1 :])


@pytest.fixture(scope="module")
def recorded():
    """Two runs of 5 and 4 samples, from other instants, and the controls of three more."""
    rng = np.random.default_rng(0)
    y, u = [rng.normal(size=n) for n in (5, 4)], [rng.normal(size=(n + 3, 2)) for n in (5, 4)]
    times = [0.5 * np.arange(5), 7.0 + 0.5 * np.arange(4)]
    names = {"output_names": ["y"], "control_names": ["a", "b"], "runs": ["one", "two"]}
    context = dl.from_arrays(
        [run[:, None] for run in y], [run[:n] for run, n in zip(u, (5, 4), strict=True)], times=times, **names
    )
    ahead = [start + 0.5 * np.arange(1, 4) for start in (2.0, 8.5)]
    blank = [np.full((3, 1), np.nan)] * 2
    later = dl.from_arrays(blank, [run[n:] for run, n in zip(u, (5, 4), strict=True)], times=ahead, **names)
    return y, u, context, later


def test_a_forecast_follows_its_controls_by_name_run_and_instant(model, recorded):
    y, u, context, later = recorded
    shuffled = later.isel(trajectory=[1, 0], control_name=[1, 0])
    fc = dl.forecast(model, context, horizon=3, samples=2, controls=shuffled)
    np.testing.assert_allclose(fc["t"], [[2.5, 3.0, 3.5], [9.0, 9.5, 10.0]])
    for i, n in enumerate((5, 4)):
        expected = followed(y[i], u[i], n - 1)
        np.testing.assert_allclose(fc["output_mean"].values[i, :, 0], expected, rtol=1e-4)
        np.testing.assert_allclose(fc["control"].values[i], u[i][n:], rtol=1e-6)


def test_a_free_run_reads_the_warm_up_and_the_controls_and_nothing_else(model, recorded):
    y, u, context, _ = recorded
    sim = dl.simulate(model, context, warmup=2)
    for i, n in enumerate((5, 4)):
        expected = followed(y[i], u[i][:n], 1)
        np.testing.assert_allclose(sim["output"].values[i, : n - 2, 0], expected, rtol=1e-4)
        np.testing.assert_allclose(sim["recorded"].values[i, : n - 2, 0], y[i][2:], rtol=1e-6)
    assert np.isnan(sim["output"].values[1, 2, 0])
