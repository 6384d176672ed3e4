"""Lyapunov spectra against known values and closed forms."""

import sys

import equinox as eqx
import jax
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.analysis import cycles, kaplan_yorke, lyapunov
from dynlearn.analysis.lyapunov import growth
from dynlearn.analysis.orbit import StateMap
from dynlearn.errors import DivergedError

from .systems import at, flow_of, henon, logistic, lorenz, map_of, random_network, roessler, skew_tent

XYZ = ("x", "y", "z")


def mean(found) -> np.ndarray:
    return found["exponent"].mean("trajectory").values


def spread_starts(count: int, low: float, high: float) -> np.ndarray:
    return np.random.default_rng(0).uniform(low, high, size=(count, 3))


def test_the_spectrum_of_lorenz():
    """Sprott, "Chaos and time-series analysis" (2003): 0.9056, 0, -14.5723; dimension 2.062."""
    starts = spread_starts(16, -8, 8) + np.array([0, 0, 25])
    found = lyapunov(flow_of(lorenz, XYZ), at(*starts, names=XYZ, dt=0.01), steps=15000, discard=1000)
    first, second, third = mean(found)
    assert abs(first / 0.9056 - 1) < 0.02
    assert abs(second) < 0.01
    assert abs(third / -14.5723 - 1) < 0.02
    np.testing.assert_allclose(found["exponent"].sum("order"), -41 / 3, rtol=1e-3)  # the field's divergence
    np.testing.assert_allclose(found["kaplan_yorke"].mean(), 2.062, atol=0.01)
    # The standard error says how far single orbits are off.
    off = (found["exponent"].isel(order=0) - 0.9056) / found["error"].isel(order=0)
    assert 0.3 < float(np.sqrt((off**2).mean())) < 2.5


def reverse_only(function):
    """A map whose derivative JAX can take in reverse mode only, as those of adaptive solves."""

    @jax.custom_vjp
    def step(x):
        return function(None, x, None, None)

    step.defvjp(
        lambda x: (step(x), x), lambda x, bar: jax.vjp(lambda x: function(None, x, None, None), x)[1](bar)
    )
    return lambda t, x, u, s: step(x)


def test_derivatives_in_reverse_mode_give_the_same():
    context, options = at([0.1, 0.1], [0.2, 0.0], names="xy"), {"steps": 50, "discard": 10}
    one = lyapunov(map_of(henon, "xy"), context, **options)
    other = lyapunov(map_of(reverse_only(henon), "xy"), context, **options)
    np.testing.assert_allclose(one["exponent"], other["exponent"], rtol=1e-4)
    largest = lyapunov(map_of(reverse_only(henon), "xy"), context, exponents=1, **options)
    np.testing.assert_allclose(largest["exponent"][:, 0], one["exponent"][:, 0], atol=0.05)


@pytest.mark.slow
def test_an_adaptive_solver_gives_the_spectrum_of_fixed_steps():
    """Along one short orbit: its derivatives are taken in reverse mode, the others forwards."""
    context = at([1.0, 2.0, 20.0], names=XYZ, dt=0.02)
    options = {"steps": 100, "discard": 50}
    one = lyapunov(flow_of(lorenz, XYZ), context, **options)
    other = lyapunov(
        flow_of(lorenz, XYZ, solver=dl.solvers.Adaptive(rtol=1e-6, atol=1e-6, max_steps=64)),
        context,
        **options,
    )
    np.testing.assert_allclose(one["exponent"], other["exponent"], atol=2e-3)


def test_the_spectrum_of_roessler():
    """Sprott (2003): 0.0714, 0, -5.3943; dimension 2.0132."""
    starts = spread_starts(32, -4, 4) * [1, 1, 0]
    found = lyapunov(flow_of(roessler, XYZ), at(*starts, names=XYZ, dt=0.05), steps=40000, discard=2000)
    first, second, third = mean(found)
    assert abs(first / 0.0714 - 1) < 0.02
    assert abs(second) < 0.001
    assert abs(third / -5.3943 - 1) < 0.02
    np.testing.assert_allclose(found["kaplan_yorke"].mean(), 2.0132, atol=0.002)


def test_the_spectrum_of_henon():
    """Sprott (2003): 0.41922, -1.62319; dimension 1.25827."""
    found = lyapunov(
        map_of(henon, "xy"), at(*0.1 * np.eye(2), [0.1, 0.1], [-0.1, 0.2], names="xy"), steps=10000
    )
    np.testing.assert_allclose(mean(found), [0.41922, -1.62319], rtol=0.02)
    np.testing.assert_allclose(found["exponent"].sum("order"), np.log(0.3), rtol=1e-4)
    np.testing.assert_allclose(found["kaplan_yorke"].mean(), 1.25827, rtol=0.01)


def test_the_exponent_of_the_logistic_map_is_that_of_a_coin():
    with jax.enable_x64(True):
        starts = np.random.default_rng(0).uniform(0.1, 0.9, (8, 1))
        found = lyapunov(logistic(4.0), at(*starts), steps=4000)
    np.testing.assert_allclose(mean(found), [np.log(2)], rtol=0.01)


def test_the_exponent_of_a_tent_map_is_its_entropy():
    """Pesin: -p log p - (1 - p) log(1 - p) for a density that is uniform."""
    starts = np.random.default_rng(0).uniform(-0.3, 0.5, (8, 1))
    found = lyapunov(skew_tent(0.4), at(*starts, names=("y",)), steps=5000)
    np.testing.assert_allclose(mean(found), [-0.4 * np.log(0.4) - 0.6 * np.log(0.6)], rtol=0.01)


def delayed(delays: int = 12) -> tuple:
    """A damped oscillator driven by noise and a control, and a fitted ARX."""
    rng, y, u = (
        np.random.default_rng(0),
        np.zeros((1, 400, 2)),
        np.random.default_rng(1).normal(size=(1, 400, 1)),
    )
    A = 0.98 * np.array([[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]])
    for k in range(399):
        y[0, k + 1] = A @ y[0, k] + 0.2 * u[0, k] + 0.1 * rng.normal(size=2)
    ds = dl.from_arrays(y, u, dt=0.5)
    return ds, dl.fit(dl.models.ARX.from_data(ds, delays=delays), ds, progress=False).model


def test_those_of_a_regression_are_of_its_eigenvalues_and_of_what_it_forgets():
    """By hand: the companion matrix of the regression. 12 past controls are forgotten one by one."""
    ds, model = delayed()
    weights, n = np.asarray(model.weights, float), 2 * 13 + 12
    A = np.zeros((n, n))
    A[:2] = weights[:, :n]
    A[2:26, :24] = np.eye(24)
    A[27:, 26:37] = np.eye(11)
    np.testing.assert_allclose(model.A, A, rtol=1e-6)
    found = lyapunov(model, ds, control=0.0, steps=20, discard=0)
    expected = np.sort(np.log(np.abs(np.linalg.eigvals(A[:26, :26]))))[::-1] / 0.5
    np.testing.assert_allclose(found["exponent"].values[0, :26], expected, rtol=1e-5)
    np.testing.assert_allclose(found["exponent"].values[0, 26:], np.log(np.finfo(np.float32).tiny) / 0.5)
    np.testing.assert_allclose(found["error"], 0, atol=1e-12)
    # As they come out of the growth along an orbit.
    map = StateMap.of("test", model, ds, 0.0, None)
    logs = np.asarray(growth(map, 4, 200, 2000))[0].mean(0) / 0.5
    np.testing.assert_allclose(found["exponent"].values[0, :4], logs, atol=0.02)
    with pytest.raises(DivergedError, match=r"the orbit from run .* is not finite"):
        lyapunov(eqx.tree_at(lambda m: m.weights, model, 3 * model.weights), ds, control=0.0)


def test_long_delays_take_a_linear_system_and_no_search(monkeypatch):
    """146 states: one linear solve for every period; searching took a minute, following directions half of one."""
    ds, model = delayed(delays=48)
    for module, name in (("_smooth_cycles", "search"), ("lyapunov", "growth")):
        monkeypatch.setattr(sys.modules[f"dynlearn.analysis.{module}"], name, None)
    found = cycles(model, ds, control=1.0)
    spectrum = lyapunov(model, ds, control=1.0)
    assert spectrum["exponent"].shape == (1, 2 * 49 + 48)
    u = (1.0 - np.asarray(model.scaling.control_mean)) / np.asarray(model.scaling.control_scale)
    A, B, c = (np.asarray(getattr(model, name), float) for name in "ABc")
    rest = np.linalg.solve(np.eye(len(A)) - A, B @ u + c)
    np.testing.assert_allclose(found["state"].values[0, 0], rest, rtol=1e-4, atol=1e-6)
    assert found["period"].values.tolist() == [1]
    np.testing.assert_allclose(
        np.abs(found["eigenvalue"].values[0, :2]), np.exp(0.5 * spectrum["exponent"][0, :2])
    )


def test_those_of_a_linear_map_are_the_logarithms_of_its_eigenvalues():
    """Expanding ones too: the orbit stands still at 0. Over an interval of 0.5, they are twice those of a step."""
    rng = np.random.default_rng(1)
    V = np.linalg.qr(rng.normal(size=(4, 4)))[0] + 0.3 * rng.normal(size=(4, 4))
    values = np.array([1.5, 0.9, 0.4, 0.1])
    A = (V * values) @ np.linalg.inv(V)
    names = ("a", "b", "c", "d")
    with jax.enable_x64(True):
        model = map_of(lambda t, x, u, s: A @ x, names, interval=0.5, time_unit="h")
        start = at(np.zeros(4), names=names, dt=0.5, units={"t": "h"})
        found = lyapunov(model, start, steps=500)
    np.testing.assert_allclose(found["exponent"].values[0], np.log(values) / 0.5, rtol=1e-9)
    np.testing.assert_allclose(found["error"], 0, atol=1e-9)
    assert found["exponent"].attrs["units"] == "1/h"


def test_the_largest_exponents_are_found_whatever_the_axes_of_the_model():
    """Of diag(0.2, 0.9) the first axis alone says log 0.2."""
    scale = np.array([0.2, 0.9], np.float32)
    model = map_of(lambda t, x, u, s: scale * x, "xy")
    found = lyapunov(model, at([1.0, 1.0], names="xy"), steps=100, exponents=1)
    np.testing.assert_allclose(found["exponent"], [[np.log(0.9)]], rtol=1e-4)
    assert np.isnan(
        lyapunov(map_of(henon, "xy"), at([0.1, 0.1], names="xy"), exponents=1)["kaplan_yorke"]
    ).all()


def test_at_a_stable_cycle_they_are_the_logarithms_of_its_eigenvalues():
    model, y = random_network("clipped", 2, 1.2), [0.3, -0.2]
    context = at(y, names=("y", "w"), controls={"u": 0.0})
    found = dl.analysis.cycles(model, context, control=0.5)
    stable = found.isel(cycle=np.flatnonzero(found["stable"].values)[0])
    expected = np.log(np.abs(stable["eigenvalue"].values)) / int(stable["period"])
    np.testing.assert_allclose(lyapunov(model, context, control=0.5)["exponent"][0], expected, rtol=1e-3)


def test_a_direction_that_is_forgotten_is_finite_and_far_below():
    found = lyapunov(
        map_of(lambda t, x, u, s: 0.5 * x[:1] * np.array([1.0, 0.0], np.float32), "xy"),
        at([1.0, 1.0], names="xy"),
    )
    first, second = found["exponent"].values[0]
    np.testing.assert_allclose(first, np.log(0.5), rtol=1e-4)
    assert -100 < second < -10


@pytest.mark.parametrize(
    ("spectrum", "dimension"),
    [
        ([0.906, 0.0, -14.57], 2 + 0.906 / 14.57),
        ([0.5, -1.0], 1.5),
        ([-0.1, -1.0], 0.0),
        ([0.0, -1.0], 1.0),
        ([0.5, 0.1], 2.0),
        ([0.5, -0.2, -0.2, -0.4], 3 + 0.1 / 0.4),
    ],
)
def test_the_kaplan_yorke_dimension_by_hand(spectrum, dimension):
    assert abs(kaplan_yorke(np.array(spectrum)) - dimension) < 1e-9


def test_of_some_exponents_the_dimension_may_not_be_known():
    assert np.isnan(kaplan_yorke(np.array([0.5, 0.1]), complete=False))
    assert kaplan_yorke(np.array([0.5, -1.0]), complete=False) == 1.5
