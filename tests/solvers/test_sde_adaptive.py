"""Adaptive stochastic steps: along the tree's own path, the closed form; failures; controls; gradients."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.errors import ArgumentError
from dynlearn.solvers import Held, Linear, Reason, StochasticAdaptive, solve_sde

TIMES = np.array([0.0, 0.3, 0.3, 1.0])
MU, SIGMA = 0.5, 0.8


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def tree(key, size, end=1.0):
    """The Brownian path that an adaptive solve over [0, end] follows."""
    return diffrax.VirtualBrownianTree(
        0.0,
        end,
        tol=end * 2.0**-15,
        shape=jax.ShapeDtypeStruct((size,), jnp.float64),
        key=key,
        levy_area=diffrax.SpaceTimeLevyArea,
    )


def growth(t, x, u, p):
    return MU * x


def spread(t, x, u, p):
    return SIGMA * x


@pytest.mark.parametrize(
    ("scheme", "noise", "calculus", "tolerance", "error"),
    [
        ("spark", "diagonal", "ito", 1e-3, 0.03),
        ("heun", "scalar", "stratonovich", 1e-3, 2e-3),
        pytest.param("slow_rk", "scalar", "ito", 1e-3, 5e-3, marks=pytest.mark.slow),
        pytest.param("general_shark", "diagonal", "stratonovich", 1e-3, 0.03, marks=pytest.mark.slow),
    ],
)
def test_geometric_brownian_motion_on_the_path_of_the_tree(scheme, noise, calculus, tolerance, error):
    def both(key):
        solver = StochasticAdaptive(scheme, tolerance, tolerance)
        options = {"noise": noise, "calculus": calculus, "solver": solver}
        found = solve_sde(growth, spread, jnp.ones(2), TIMES, key=key, **options)
        size = 2 if noise == "diagonal" else 1
        W = jax.vmap(lambda t: tree(key, size).evaluate(0.0, t))(jnp.asarray(TIMES))
        shift = SIGMA**2 / 2 if calculus == "ito" else 0.0
        return found, jnp.exp((MU - shift) * TIMES[:, None] + SIGMA * W)

    found, truth = jax.jit(jax.vmap(both))(jax.random.split(jax.random.key(0), 50))
    assert np.abs(found.check().states - truth).mean() < error
    assert found.valid.all()
    work = found.statistics
    assert (work.steps > 3).all()
    assert (work.evaluations > work.steps).all()


@pytest.mark.parametrize("scheme", ["shark", "sra1"])
def test_additive_noise(scheme):
    """dx = (1 + 2 t) dW: x(1) = 2 W - 2 H."""
    key = jax.random.key(2)
    found = solve_sde(
        lambda t, x, u, p: 0 * x,
        lambda t, x, u, p: (1 + 2 * t)[None, None],
        jnp.zeros(1),
        jnp.array([0.0, 1.0]),
        key=key,
        noise="additive",
        solver=StochasticAdaptive(scheme),
    )
    area = tree(key, 1).evaluate(0.0, 1.0, use_levy=True)
    np.testing.assert_allclose(found.check().last, 2 * area.W - 2 * area.H, atol=1e-8)


def test_too_many_steps():
    solver = StochasticAdaptive("heun", 1e-3, 1e-3, max_steps=20)
    found = solve_sde(growth, spread, jnp.ones(1), TIMES, key=0, solver=solver)
    assert found.reasons() == [Reason.TOO_MANY_STEPS]
    assert np.isnan(found.last).all()
    assert found.states[0] == 1


def test_a_field_that_explodes_ends():
    found = solve_sde(
        lambda t, x, u, p: x**3 * 1e3,
        spread,
        jnp.ones(1),
        TIMES,
        key=0,
        solver=StochasticAdaptive("heun", max_steps=300),
    )
    assert found.reasons()[0] in (Reason.NOT_FINITE, Reason.TOO_MANY_STEPS)
    assert np.isnan(found.last).all()


@pytest.mark.parametrize("signal", [Held, Linear])
def test_controls_padding_and_instants_of_their_own(signal):
    """dx = u dt: a batch of two, each with its clock and knots; the second one ends early."""
    times = jnp.array([[0.0, 0.35, 1.0, 2.0], [0.5, 0.8, 0.8, np.nan]])
    knots = jnp.array([[0.0, 0.7, 1.0], [0.6, 0.7, np.nan]])
    values = jnp.array([[[1.0], [-3.0], [2.0]], [[0.5], [4.0], [np.nan]]])

    def one(times, knots, values, key):
        return solve_sde(
            lambda t, x, u, p: u,
            lambda t, x, u, p: 0 * x,
            jnp.zeros(1),
            times,
            key=key,
            control=signal(knots, values),
            solver=StochasticAdaptive("heun", 1e-6, 1e-6),
        )

    found = jax.jit(jax.vmap(one))(times, knots, values, jax.random.split(jax.random.key(0), 2)).check()
    for i in range(2):
        control = signal(knots[i], values[i])
        end = float(np.nanmax(times[i]))
        middle = times[i, 0] + (np.arange(20_000) + 0.5) * (end - times[i, 0]) / 20_000
        u = np.asarray(jax.vmap(control)(middle))[:, 0]
        integral = np.concatenate([[0.0], np.cumsum(u)]) * (end - times[i, 0]) / 20_000
        fine = np.linspace(times[i, 0], end, 20_001)
        at = np.where(np.isnan(times[i]), end, times[i])
        np.testing.assert_allclose(found.states[i, :, 0], np.interp(at, fine, integral), atol=1e-3)
    assert found.valid[1].tolist() == [True] * 3 + [False]


@pytest.mark.parametrize("times", [[1.0, 1.0], [1.0, np.nan]])
def test_no_time_at_all(times):
    solver = StochasticAdaptive("heun")
    found = solve_sde(growth, spread, jnp.ones(1), np.array(times), key=0, solver=solver).check()
    np.testing.assert_array_equal(found.states, np.ones((len(times), 1)))


def test_gradients_along_the_path():
    """x(1) = x0 exp((m - s^2/2) + s W): its derivatives by x0, m and s are known."""

    @eqx.filter_jit
    def last(arguments):
        x0, m, s = arguments
        return solve_sde(
            lambda t, x, u, p: p[0] * x,
            lambda t, x, u, p: p[1] * x,
            x0[None],
            np.array([0.0, 1.0]),
            key=4,
            noise="scalar",
            parameters=(m, s),
            solver=StochasticAdaptive("heun", 1e-3, 1e-3),
        ).last[0]

    x0, m, s = 1.5, MU, SIGMA
    value, slope = eqx.filter_jit(jax.value_and_grad(last))(tuple(map(jnp.asarray, (x0, m, s))))
    W = float(tree(jax.random.key(4), 1).evaluate(0.0, 1.0)[0])
    truth = x0 * np.exp(m - s**2 / 2 + s * W)
    np.testing.assert_allclose(value, truth, rtol=5e-3)
    np.testing.assert_allclose(slope, [truth / x0, truth, truth * (W - s)], rtol=2e-2, atol=5e-3)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: StochasticAdaptive("sparc"),
            "unknown adaptive stochastic scheme 'sparc'; did you mean 'spark'",
        ),
        (lambda: StochasticAdaptive(rtol=0), "rtol: expected a number > 0, got 0"),
        (lambda: StochasticAdaptive(max_steps=0), "max_steps: expected an integer >= 1, got 0"),
        (
            lambda: solve_sde(growth, spread, jnp.ones(1), TIMES, key=0, solver=StochasticAdaptive("shark")),
            "'shark': cannot integrate noise='diagonal' with a diffusion that depends on the state",
        ),
    ],
)
def test_bad_input(make, text):
    with pytest.raises(ArgumentError, match=text):
        make()
