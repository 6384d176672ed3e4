"""Simulated systems against independent integrations, their own truth, and the statistics of their noise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import dynlearn.datasets as datasets
from dynlearn.datasets._simulated import CLASSES
from dynlearn.datasets.systems import _simulate
from dynlearn.errors import ArgumentError
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.schema import units

NAMES = datasets.names("simulated")


def equations(name):
    """The right-hand sides once more, written out in numpy and on their own."""
    return {
        "linear": lambda t, x, u: np.array(
            [
                x[2],
                x[3],
                4 * (x[1] - 2 * x[0]) + 0.2 * (x[3] - 2 * x[2]),
                4 * (x[0] - x[1]) + 0.2 * (x[2] - x[3]) + u[0],
            ]
        ),
        "pendulum": lambda t, x, u: np.array([x[1], u[0] - 0.1 * x[1] - 9.81 * np.sin(x[0])]),
        "double_tank": lambda t, x, u: np.array(
            [
                (3.3 * u[0] - 0.178 * np.sqrt(1962 * x[0])) / 15.5,
                (0.178 * np.sqrt(1962 * x[0]) - 0.178 * np.sqrt(1962 * x[1])) / 15.5,
            ]
        ),
        "lorenz63": lambda t, x, u: np.array(
            [10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]]
        ),
        "roessler": lambda t, x, u: np.array([-x[1] - x[2], x[0] + 0.2 * x[1], 0.2 + x[2] * (x[0] - 5.7)]),
        "lotka_volterra": lambda t, x, u: np.array(
            [1.1 * x[0] - 0.4 * x[0] * x[1], 0.1 * x[0] * x[1] - 0.4 * x[1]]
        ),
        "van_der_pol": lambda t, x, u: np.array([x[1], (1 - x[0] ** 2) * x[1] - x[0]]),
    }[name]


def reference(name, times, initial, controls):
    """scipy's order-8 method, restarted at every sample because the controls jump there."""
    states = [initial]
    for k in range(len(times) - 1):
        u = controls[k]
        solved = solve_ivp(
            equations(name), times[k : k + 2], states[-1], "DOP853", args=(u,), rtol=1e-11, atol=1e-12
        )
        states.append(solved.y[:, -1])
    return np.array(states)


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_scipy_and_obeys_the_schema(name):
    with jax.enable_x64(True):
        ds = validate(datasets.load(name, runs=2, length=(30, 50), irregular=True, key=1))
    assert ds["t"].attrs["units"]
    assert all(units(ds, kind) and all(units(ds, kind)) for kind in ("output", "state"))
    for run in range(2):
        one = ds.isel(trajectory=run, time=slice(int(ds.dyn.lengths[run])))
        controls = one["control"].values if "control" in one else np.zeros((one.sizes["time"], 0))
        expected = reference(name, one["t"].values, one["state"].values[0], controls)
        np.testing.assert_allclose(one["state"].values, expected, atol=1e-6 * np.ptp(expected, axis=0).max())
        assert np.isfinite(one["output"]).all()


@pytest.mark.parametrize("name", NAMES)
def test_vector_field_can_be_traced_differentiated_and_batched(name):
    system = getattr(datasets, CLASSES[name])()
    x = jax.vmap(system.initial)(jax.random.split(jax.random.key(0), 4))
    u = jnp.ones((4, len(system.control_names)))
    slopes = jax.jit(jax.vmap(system.vector_field, (None, 0, 0)))(jnp.zeros(()), x, u)
    assert slopes.shape == x.shape
    expected = [equations(name)(0.0, np.asarray(xi, float), np.ones(1)) for xi in x]
    np.testing.assert_allclose(slopes, expected, rtol=1e-4, atol=1e-4)
    jacobian = jax.jacfwd(lambda x: system.vector_field(jnp.zeros(()), x, u[0]))(x[0])
    assert jnp.isfinite(jacobian).all()


def test_fourth_order_convergence():
    """Halving the sampling interval, which here sets the step, divides the error by 16."""
    system = datasets.VanDerPol()
    coarse = 0.02  # one integration step per interval below this
    with jax.enable_x64(True):
        start = np.array([2.0, 0.0])
        exact = solve_ivp(
            equations("van_der_pol"), (0, 2), start, "DOP853", args=((),), rtol=1e-13, atol=1e-13
        )
        steps = [coarse, coarse / 2]
        ends = [system.simulate(1, round(2 / h) + 1, h, initial=start)["state"].values[0, -1] for h in steps]
    errors = [np.abs(end - exact.y[:, -1]).max() for end in ends]
    assert 3.7 < np.log2(errors[0] / errors[1]) < 4.3


class TestTruth:
    def test_linear_spectrum_and_exact_transition(self):
        system = datasets.Linear()
        with jax.enable_x64(True):
            ds = system.simulate(runs=2, length=40, key=3)
        Ad, Bd = system.discrete(0.1)
        x, u = ds["state"].values, ds["control"].values
        np.testing.assert_allclose(x[:, 1:], x[:, :-1] @ Ad.T + u[:, :-1] @ Bd.T, atol=1e-8)
        np.testing.assert_allclose(ds["output"].values, x[..., :2])
        by_hand = np.linalg.eigvals(Ad)
        np.testing.assert_allclose(
            np.sort_complex(system.eigenvalues(0.1)), np.sort_complex(by_hand), atol=1e-12
        )
        assert (system.eigenvalues().real < 0).all()

    def test_linear_with_own_matrices(self):
        system = datasets.Linear([[-1.0]], [[2.0, 0.0]], [[3.0]], units={"t": "s", "y0": "m"}, dt=0.5)
        ds = system.simulate(runs=1, length=3, controls=np.ones((3, 2)), initial=[0.0])
        np.testing.assert_allclose(ds["output"].values[0, :, 0], 6 * (1 - np.exp([0, -0.5, -1.0])), rtol=1e-5)
        assert ds["t"].attrs["units"] == "s"

    def test_lotka_volterra_invariant(self):
        system = datasets.LotkaVolterra()
        with jax.enable_x64(True):
            ds = system.simulate(runs=3, length=300)
            values = np.asarray(system.invariant(ds["state"].values))
        assert np.ptp(values, axis=1).max() < 1e-7
        slope = system.vector_field(jnp.zeros(()), system.fixed_point(), jnp.zeros(0))
        np.testing.assert_allclose(slope, 0, atol=1e-6)

    @pytest.mark.parametrize("name", ["Lorenz63", "Roessler"])
    def test_fixed_points(self, name):
        system = getattr(datasets, name)()
        for point in system.fixed_points():
            slope = system.vector_field(jnp.zeros(()), jnp.asarray(point), jnp.zeros(0))
            np.testing.assert_allclose(slope, 0, atol=2e-4)

    def test_lorenz_without_convection_has_one_fixed_point(self):
        assert datasets.Lorenz63(rho=0.5).fixed_points().tolist() == [[0, 0, 0]]

    def test_pendulum_keeps_its_energy_without_damping(self):
        system = datasets.Pendulum(damping=0.0)
        with jax.enable_x64(True):
            ds = system.simulate(runs=2, length=100, controls=np.zeros((100, 1)))
            energy = np.asarray(system.energy(ds["state"].values))
        assert np.ptp(energy, axis=1).max() < 1e-6

    def test_tanks_settle_at_their_equilibrium(self):
        system = datasets.DoubleTank()
        ds = system.simulate(runs=2, length=301, controls=np.full((301, 1), 5.0))
        np.testing.assert_allclose(ds["state"].values[:, -1], [system.equilibrium(5.0)] * 2, rtol=1e-3)

    def test_an_empty_tank_stays_empty_and_differentiable(self):
        system = datasets.DoubleTank()
        jacobian = jax.jacfwd(lambda x: system.vector_field(jnp.zeros(()), x, jnp.zeros(1)))(jnp.zeros(2))
        assert jnp.isfinite(jacobian).all()
        ds = system.simulate(runs=1, length=50, controls=np.zeros((50, 1)), initial=[0.0, 0.0])
        assert (ds["state"].values == 0).all()

    def test_van_der_pol_amplitude_and_period(self):
        ds = datasets.VanDerPol().simulate(runs=1, length=800, dt=0.05, initial=[0.1, 0.0])
        x, t = ds["state"].values[0, 400:, 0], ds["t"].values[0, 400:]
        up = np.flatnonzero((x[:-1] < 0) & (x[1:] >= 0))
        crossings = t[up] - x[up] * 0.05 / (x[up + 1] - x[up])
        np.testing.assert_allclose(np.diff(crossings), 6.6633, atol=2e-2)
        np.testing.assert_allclose(x.max(), 2.0086, atol=1e-3)


class TestOptions:
    def test_measurement_noise_has_the_stated_spread_and_leaves_the_state_alone(self):
        system = datasets.LotkaVolterra()
        clean = system.simulate(runs=20, length=200)
        noisy = system.simulate(runs=20, length=200, measurement_noise=[0.1, 0.5])
        np.testing.assert_array_equal(noisy["state"], clean["state"])
        error = noisy["output"].values - noisy["state"].values
        np.testing.assert_allclose(error.std(axis=(0, 1)), [0.1, 0.5], rtol=0.05)
        np.testing.assert_allclose(error.mean(axis=(0, 1)), 0, atol=0.03)
        lagged = np.mean(error[:, 1:] * error[:, :-1], axis=(0, 1)) / error.var(axis=(0, 1))
        np.testing.assert_allclose(lagged, 0, atol=0.05)

    def test_process_noise_gives_the_stationary_variance(self):
        """Ornstein-Uhlenbeck: dx = -x dt + s dW has variance s^2 / 2 and correlation exp(-dt)."""
        system = datasets.Linear([[-1.0]], dt=0.5)
        ds = system.simulate(runs=50, length=200, process_noise=0.4, initial=[0.0])
        x = ds["state"].values[:, 20:, 0]
        np.testing.assert_allclose(x.var(), 0.08, rtol=0.1)
        correlation = np.mean(x[:, 1:] * x[:, :-1]) / x.var()
        np.testing.assert_allclose(correlation, np.exp(-0.5), atol=0.04)

    def test_process_noise_per_state(self):
        system = datasets.Linear(np.zeros((2, 2)), dt=0.1)
        x = system.simulate(200, 11, process_noise=[0.0, 2.0], initial=[1.0, 0.0])["state"].values
        assert (x[..., 0] == 1).all()
        np.testing.assert_allclose(x[:, -1, 1].std(), 2.0, rtol=0.2)  # Wiener process at t = 1

    def test_irregular_intervals_have_the_stated_distribution(self):
        ds = datasets.VanDerPol().simulate(runs=20, length=200, irregular=True)
        intervals = np.diff(ds["t"].values, axis=1) / 0.1
        assert intervals.min() >= 0.2
        assert intervals.max() <= 1.8
        np.testing.assert_allclose(intervals.mean(), 1.0, atol=0.03)
        np.testing.assert_allclose(intervals.std(), 1.6 / np.sqrt(12), atol=0.03)

    def test_regular_instants_are_a_grid(self):
        ds = datasets.VanDerPol().simulate(runs=2, length=30)
        np.testing.assert_array_equal(ds["t"].values, np.tile(0.1 * np.arange(30), (2, 1)))

    def test_missing_entries(self):
        ds = datasets.Lorenz63().simulate(runs=20, length=200, missing=0.2)
        gone = np.isnan(ds["output"].values)
        np.testing.assert_allclose(gone.mean(axis=(0, 1)), 0.2, atol=0.03)
        np.testing.assert_allclose(gone.all(axis=-1).mean(), 0.2**3, atol=0.006)  # entries are independent
        assert np.isfinite(ds["state"]).all()

    def test_unequal_lengths(self):
        ds = datasets.Pendulum().simulate(runs=30, length=(10, 20))
        assert ds.sizes["time"] <= 20
        assert set(ds.dyn.lengths) <= set(range(10, 21))
        assert len(set(ds.dyn.lengths)) > 3

    def test_controls_given(self):
        controls = np.random.default_rng(0).normal(size=(3, 20, 1))
        ds = datasets.Pendulum().simulate(runs=3, length=20, controls=controls)
        np.testing.assert_allclose(ds["control"], controls, rtol=1e-6)
        shared = datasets.Pendulum().simulate(runs=3, length=20, controls=controls[0])
        np.testing.assert_allclose(shared["control"][2], controls[0], rtol=1e-6)

    def test_default_controls_are_held_and_within_bounds(self):
        u = datasets.DoubleTank().simulate(runs=2, length=100)["control"].values[..., 0]
        assert ((u >= 2) & (u <= 10)).all()
        assert (u.reshape(2, 5, 20) == u.reshape(2, 5, 20)[..., :1]).all()

    def test_the_key_decides(self):
        options = {
            "runs": 2,
            "length": (5, 9),
            "measurement_noise": 0.1,
            "process_noise": 0.1,
            "irregular": True,
            "missing": 0.1,
        }
        one, again = (datasets.load("pendulum", key=5, **options) for _ in range(2))
        assert one.identical(again)
        assert one.identical(datasets.load("pendulum", key=jax.random.key(5), **options))
        assert not one.equals(datasets.load("pendulum", key=6, **options))

    def test_a_second_simulation_does_not_compile_again(self):
        system = datasets.VanDerPol()
        system.simulate(runs=2, length=(6, 12), irregular=True, key=0)
        before = _simulate._integrate._cached._cache_size()
        datasets.VanDerPol().simulate(runs=2, length=(7, 12), irregular=True, key=1)
        assert _simulate._integrate._cached._cache_size() == before


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"runs": 0}, "runs: expected an integer >= 1, got 0"),
        ({"runs": 1.5}, "runs: expected an integer"),
        ({"length": 1}, "length: expected an integer >= 2, got 1"),
        ({"length": (9, 5)}, r"length: expected an integer, or \(low, high\)"),
        ({"length": "5"}, "length: expected"),
        ({"dt": 0}, "dt: expected a positive number, got 0"),
        ({"missing": 1.0}, "missing: expected a fraction"),
        ({"missing": -0.1}, "missing: expected a fraction"),
        ({"measurement_noise": [0.1] * 3}, "measurement_noise: .* one for each of angle, velocity"),
        ({"process_noise": -1.0}, "process_noise: expected one number >= 0"),
        (
            {"controls": np.zeros((7, 1))},
            r"controls: expected finite values of shape \(5, 1\) .* got shape \(7, 1\)",
        ),
        ({"controls": np.full((5, 1), np.nan)}, "with NaN or infinity"),
        ({"initial": [1.0]}, r"initial: expected finite values of shape \(2,\)"),
        ({"key": 0.5}, "key: expected an int or a JAX key"),
    ],
)
def test_bad_options(options, text):
    with pytest.raises(ArgumentError, match=text):
        datasets.Pendulum().simulate(**{"runs": 2, "length": 5, **options})


def test_controls_for_a_system_without_any():
    with pytest.raises(ArgumentError, match="this system has none"):
        datasets.Lorenz63().simulate(length=5, controls=np.zeros((5, 1)))


def test_a_diverging_simulation_says_so():
    with pytest.raises(ArgumentError, match="expected finite states, got a run 0 that diverges at t ="):
        datasets.LotkaVolterra().simulate(runs=1, length=100, initial=[-1.0, -1e4])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"A": [[1.0, 2.0]]}, r"A: expected a finite matrix \(states, states\), got shape \(1, 2\)"),
        ({"A": [[1.0]], "B": [[1.0], [2.0]]}, r"B: expected a finite matrix \(1, any\)"),
        ({"A": [[1.0]], "C": [[1.0, 2.0]]}, r"C: expected a finite matrix \(any, 1\)"),
        ({"A": [[1.0]], "state_names": ["a", "b"]}, "state_names: expected 1 names"),
        ({"B": [[1.0]]}, "expected A together with B, C and names"),
    ],
)
def test_bad_matrices(arguments, text):
    with pytest.raises(ArgumentError, match=text):
        datasets.Linear(**arguments)
