"""LinearStateSpace: rates, stability, coverage, refusals. What it infers is tested in tests/inference."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import dynlearn as dl
from dynlearn.errors import ArgumentError
from dynlearn.models import LinearStateSpace, Signature
from dynlearn.numerics import precision
from dynlearn.parts.transitions.linear_systems import Contraction, Dissipation, stable_coordinates


def test_rates_are_those_of_the_drift():
    A = np.array([[-0.2, 3.0], [-3.0, -0.2]])
    M = {"A": A, "C": np.eye(2), "Q": np.eye(2), "R": np.eye(2)}
    model = LinearStateSpace.from_matrices(Signature(("a", "b")), M, interval=0.1)
    np.testing.assert_allclose(np.sort_complex(model.rates()), [-0.2 - 3j, -0.2 + 3j], rtol=1e-5)
    np.testing.assert_allclose(np.abs(model.eigenvalues()), np.exp(-0.02), rtol=1e-5)


def test_stable_parametrisations_reach_the_stable_systems_and_no_others():
    rng = np.random.default_rng(0)
    for _ in range(20):
        A = rng.normal(size=(3, 3))
        shrunk = 0.98 * A / np.abs(np.linalg.eigvals(A)).max()
        damped = A - (np.linalg.eigvals(A).real.max() + 0.1) * np.eye(3)
        with precision.float64():
            found = Contraction.of(stable_coordinates(shrunk, continuous=False)[1])()
            drift = Dissipation.of(stable_coordinates(damped, continuous=True)[1])()
            wild = Contraction(jnp.asarray(30 * A))(), Dissipation(*map(jnp.asarray, (30 * A, A)))()
        for one, other in ((found, shrunk), (drift, damped)):
            np.testing.assert_allclose(
                np.sort_complex(np.linalg.eigvals(one)), np.sort_complex(np.linalg.eigvals(other)), atol=1e-4
            )
        assert np.abs(np.linalg.eigvals(wild[0])).max() < 1
        assert np.linalg.eigvals(wild[1]).real.max() < 0


@pytest.fixture(scope="module")
def simulated():
    """300 samples twice of a damped oscillation, and a model of the right class fitted to the first half."""
    rng = np.random.default_rng(4)
    A = np.array([[0.9, 0.3], [-0.3, 0.85]])
    outputs = []
    for _ in range(4):
        x, y = np.zeros(2), []
        for _ in range(250):
            x = A @ x + 0.3 * rng.normal(size=2)
            y.append(5.0 + x[:1] + 0.5 * rng.normal(size=1))
        outputs.append(np.array(y))
    ds = dl.from_arrays(outputs, dt=0.1)
    train, test = ds.isel(trajectory=[0, 1]), ds.isel(trajectory=[2, 3])
    model = LinearStateSpace.from_data(train, states=2, memory=30)
    return dl.fit(model, train, method=dl.fitting.EM(steps=60), progress=False).model, test


@pytest.mark.slow
def test_intervals_hold_what_they_promise(simulated):
    """90 % intervals of the right class cover 85 to 95 %: one step ahead, at 10 steps, and of imputed values."""
    model, test = simulated
    z = scipy.stats.norm.ppf(0.95)
    found = dl.filter(model, test)
    error = np.abs(found["output"] - found["output_mean"]) / found["output_scale"]
    assert 0.85 < float((error < z).mean()) < 0.95
    gone = test.copy(deep=True)
    hidden = np.random.default_rng(0).random(test["output"].shape) < 0.3
    gone["output"] = test["output"].where(~hidden)
    full = dl.impute(model, gone)
    error = (np.abs(test["output"] - full["output"]) / full["output_scale"]).values[hidden]
    assert 0.85 < (error < z).mean() < 0.95
    inside = []
    windows = test.dyn.windows(40, stride=15)
    fc = dl.forecast(model, windows.isel(time=slice(0, 30)), horizon=10, samples=1)
    truth = windows["output"].isel(time=slice(30, 40)).values
    inside = np.abs(truth - fc["output_mean"].values) < z * fc["output_scale"].values
    assert 0.82 < inside.mean() < 0.97  # 300 values, correlated in time


def test_refusals(linear, uneven):
    model = LinearStateSpace.from_data(linear, states=2)
    with pytest.raises(ArgumentError, match=r"this LinearStateSpace has not been fitted.*dl\.fit"):
        dl.forecast(model, linear, horizon=2, controls=np.zeros((2, 1)))
    with pytest.raises(ArgumentError, match="states: expected an integer >= 1, got 0"):
        LinearStateSpace.from_data(linear, states=0)
    with pytest.raises(ValueError, match="a discrete-time model needs regular sampling"):
        LinearStateSpace.from_data(uneven, states=2, continuous=False)
    with pytest.raises(
        ArgumentError, match=r"continuous: expected True or False for samples.*got None; pass contin"
    ):
        LinearStateSpace.from_data(uneven, states=2)
    with pytest.raises(ValueError, match="use fewer states or longer runs"):
        LinearStateSpace.from_data(linear.isel(time=slice(0, 3)), states=4)
    signature, M = Signature(("y",), interval=1.0), {"A": [[0.5]], "C": [[1.0]], "Q": [[1.0]], "R": [[1.0]]}
    for change, words in (
        ({"Z": [[1.0]]}, "unknown matrix 'Z'"),
        (
            {"C": [[1.0, 2.0]]},
            r"C: expected shape \(1, 1\) \(1 states, 1 outputs, 0 controls\), got \(1, 2\)",
        ),
        ({"Q": [[-1.0]]}, "Q: expected a covariance"),
    ):
        with pytest.raises(ArgumentError, match=words):
            LinearStateSpace.from_matrices(signature, {**M, **change})
    with pytest.raises(ArgumentError, match="expected at least A, C, Q and R"):
        LinearStateSpace.from_matrices(signature, {"A": [[1.0]]})
