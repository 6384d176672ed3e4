"""solve_sde on fixed grids: shapes, padding, batches, controls, gradients, what is refused."""

import equinox as eqx
import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.errors import ArgumentError, DivergedError
from dynlearn.solvers import Held, Linear, Reason, StochasticStep, brownian_increments, solve_sde
from dynlearn.solvers.sde._noise import transported

SCHEMES = {"euler_maruyama": "diagonal", "milstein": "diagonal", "heun": "general", "sra1": "additive"}
TIMES = np.array([0.0, 0.3, 0.3, 1.0, 2.0])
X0 = np.array([1.0, -0.5])


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def drift(t, x, u, p):
    pushed = 0.0 if u is None else u[0]
    return jnp.stack([x[1], jnp.sin(t) - p * x[0] + pushed])


def diffusion(noise):
    def g(t, x, u, p):
        matrix = jnp.stack(
            [jnp.stack([0.3 + 0 * t, jnp.cos(t), p]), jnp.stack([0.1 * t, 0.2 + 0 * t, 0.4 + 0 * t])]
        )
        if noise == "additive":
            return matrix
        return matrix * x[:, None] if noise == "general" else 0.3 * p * jnp.cos(x)

    return g


def solve(scheme, x0=X0, times=TIMES, key=0, p=1.0, control=None, substeps=2, calculus="ito"):
    noise = SCHEMES[scheme]
    p = jnp.asarray(p, float)
    options = {"noise": noise, "calculus": calculus, "control": control, "parameters": p}
    solver = StochasticStep(scheme, substeps)
    return solve_sde(drift, G[noise], jnp.asarray(x0, float), times, key=key, solver=solver, **options)


G = {noise: diffusion(noise) for noise in ("additive", "general", "diagonal")}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_solution(scheme):
    solution = solve(scheme).check()
    assert solution.states.shape == (5, 2)
    np.testing.assert_array_equal(solution.states[0], X0.astype(np.float32))
    np.testing.assert_array_equal(solution.states[2], solution.states[1])
    assert solution.valid.all()
    assert solution.reasons() == [Reason.DONE]
    work = solution.statistics
    stages = {"heun": 2, "sra1": 2}.get(scheme, 1)
    assert (int(work.steps), int(work.rejected), int(work.evaluations)) == (6, 0, 6 * stages)


def test_pure_noise_is_the_path_of_its_key():
    still = lambda t, x, u, p: 0 * x  # noqa: E731
    one = lambda t, x, u, p: jnp.ones_like(x)  # noqa: E731
    W = brownian_increments(3, jnp.diff(jnp.asarray(TIMES)), 2)[:, 0]
    for substeps in (1, 2, 3):
        found = solve_sde(still, one, jnp.zeros(2), TIMES, key=3, solver=StochasticStep(substeps=substeps))
        np.testing.assert_allclose(found.states[1:], np.cumsum(W, 0), atol=1e-5)
    control = Held(jnp.array([-1.0, 0.1, 0.9, 1.7, 5.0]), jnp.ones((5, 1)))
    found = solve_sde(still, one, jnp.zeros(2), TIMES, key=3, control=control)
    np.testing.assert_allclose(found.states[1:], np.cumsum(W, 0), atol=1e-5)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_padding_repeats_the_last_state_and_leaves_the_path_alone(scheme):
    whole, padded = solve(scheme), solve(scheme, times=np.concatenate([TIMES, [np.nan, np.nan]]))
    np.testing.assert_allclose(padded.states[:5], whole.states, rtol=1e-6)
    np.testing.assert_array_equal(padded.states[5:], padded.states[np.array([4, 4])])
    assert padded.valid.tolist() == [True] * 5 + [False] * 2
    assert int(padded.statistics.steps) == int(whole.statistics.steps)


@pytest.mark.first(2)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_batch_is_what_its_members_are(scheme):
    rng = np.random.default_rng(0)
    x0 = jnp.asarray(rng.normal(size=(3, 2)), float)
    times = jnp.array([[0.0, 0.3, 1.0, 2.0], [1.0, 1.5, 1.5, 4.0], [0.0, 0.7, np.nan, np.nan]])
    knots = jnp.array([[0.0, 0.5, 1.1], [1.2, 1.3, np.nan], [0.1, 0.2, 3.0]])
    control = eqx.filter_vmap(Held)(knots, jnp.asarray(rng.normal(size=(3, 3, 1)), float))
    p, keys = jnp.array([0.5, 1.0, 2.0]), jax.random.split(jax.random.key(0), 3)

    def one(x0, times, control, p, key):
        return solve(scheme, x0, times, key, p, control)

    batch = jax.jit(jax.vmap(one))(x0, times, control, p, keys)
    assert batch.check().last.shape == (3, 2)
    for i in range(3):
        single = one(*jax.tree.map(lambda a, i=i: a[i], (x0, times, control, p, keys)))
        np.testing.assert_allclose(batch.states[i], single.states, rtol=1e-4, atol=1e-5)
        assert batch.statistics.steps[i] == single.statistics.steps


@pytest.mark.parametrize("signal", [Held, Linear])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_jumps_of_a_control_are_landed_on(scheme, signal):
    """dx = u dt without noise, knots between the instants: exact to rounding, in one step per piece.

    Euler takes a line by its left end; that is not the control's fault, and left out.
    """
    if signal is Linear and scheme in ("euler_maruyama", "milstein"):
        pytest.skip("of order 1 in time")
    knots, values = np.array([-1.0, 0.45, 1.2, 1.9, 3.0]), np.array([1.0, -2.0, 5.0, 0.5, 7.0])
    shape = (2, 1) if SCHEMES[scheme] in ("additive", "general") else (2,)
    found = solve_sde(
        lambda t, x, u, p: jnp.stack([u[0], 2 * u[0]]),
        lambda t, x, u, p: jnp.zeros(shape),
        jnp.zeros(2),
        TIMES,
        key=0,
        noise=SCHEMES[scheme],
        control=signal(jnp.asarray(knots), jnp.asarray(values)[:, None]),
        solver=StochasticStep(scheme),
    )
    fine = np.linspace(0, 2, 200_001)
    if signal is Held:
        u = values[np.searchsorted(knots, fine[:-1], side="right") - 1]
    else:
        u = np.interp((fine[:-1] + fine[1:]) / 2, knots, values)
    integral = np.concatenate([[0.0], np.cumsum(u) * 1e-5])
    np.testing.assert_allclose(found.states[:, 0], np.interp(TIMES, fine, integral), atol=2e-4)
    np.testing.assert_allclose(found.states[:, 1], 2 * found.states[:, 0], rtol=1e-5)


def test_a_control_at_the_instants_needs_no_knots_of_its_own():
    times = jnp.asarray(TIMES, jnp.float32)
    values = jnp.asarray(np.random.default_rng(0).normal(size=(5, 1)), jnp.float32)
    aligned = solve("euler_maruyama", times=times, control=Held(times, values))
    apart = jax.jit(lambda c: solve("euler_maruyama", times=times, control=c).states)(Held(times, values))
    np.testing.assert_allclose(aligned.states, apart, rtol=1e-5)


@pytest.mark.first(2)
@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(
    ("scheme", "calculus"), [*((scheme, "ito") for scheme in SCHEMES), ("euler_maruyama", "stratonovich")]
)
def test_gradients_along_the_path_match_finite_differences(scheme, calculus):
    """Of x0, parameters, control and times; central, h = 1e-6: truncation 1e-12, rounding 1e-10."""
    knots, times = jnp.array([0.0, 0.5, 1.4]), jnp.asarray(TIMES)

    @eqx.filter_jit
    def value(arguments):
        x0, p, values, gap = arguments
        # The interval of no length stays one: its derivative has two sides.
        moved = times + gap * jnp.array([0.0, 0.2, 0.2, -0.5, 1.0])
        found = solve(scheme, x0, moved, 5, p, Linear(knots, values), calculus=calculus)
        return (found.states**2).sum()

    point = (jnp.asarray(X0), jnp.asarray(1.3), jnp.array([[0.5], [-1.0], [2.0]]), jnp.asarray(0.1))
    flat, build = jax.flatten_util.ravel_pytree(point)
    exact = jax.flatten_util.ravel_pytree(eqx.filter_jit(jax.grad(value))(point))[0]
    h = 1e-6
    numeric = [(value(build(flat + h * e)) - value(build(flat - h * e))) / (2 * h) for e in np.eye(len(flat))]
    np.testing.assert_allclose(exact, numeric, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_gradients_are_finite_with_padding_and_no_length(scheme):
    times = jnp.array([0.0, 0.5, 0.5, np.nan])
    value = jax.grad(lambda x0, t: (solve(scheme, x0, t).last ** 2).sum(), argnums=(0, 1))
    slope = jax.jit(value)(jnp.asarray(X0, jnp.float32), times)
    assert np.isfinite(slope[0]).all()
    assert np.isfinite(slope[1][:3]).all()


@pytest.mark.usefixtures("double")
def test_the_correction_against_its_definition():
    """sum_ij dg_kj/dx_i g_ij, by the whole Jacobian."""
    x, n = jnp.array([0.3, -0.7, 1.1]), 3
    A = jnp.asarray(np.random.default_rng(0).normal(size=(n, n)))

    def matrix(x):
        return jnp.sin(jnp.outer(x, A @ x) + A)

    expected = np.einsum("kji,ij->k", jax.jacobian(matrix)(x), matrix(x))
    np.testing.assert_allclose(transported("general", matrix, x), expected, rtol=1e-12)
    vector = lambda x: jnp.sin(A @ x)  # noqa: E731
    embedded = lambda x: jnp.diag(vector(x))  # noqa: E731
    expected = np.einsum("kji,ij->k", jax.jacobian(embedded)(x), embedded(x))
    np.testing.assert_allclose(transported("diagonal", vector, x), expected, rtol=1e-12)
    np.testing.assert_allclose(transported("scalar", vector, x), jax.jacobian(vector)(x) @ vector(x))


def test_precision_is_that_of_the_state():
    assert solve("milstein").states.dtype == jnp.float32
    with jax.enable_x64(True):
        assert solve("milstein").states.dtype == jnp.float64


def test_new_values_do_not_recompile(compilations):
    def run(i):
        control = Held(jnp.array([0.0, 0.6]) + 0.01 * i, jnp.ones((2, 1)) * i)
        solve("heun", X0 + i, TIMES + i, jax.random.key(i), 1.0 + i, control).states.block_until_ready()

    run(0)
    with compilations() as names:
        run(1)
    assert not [n for n in names if "solve" in n]


def test_a_state_that_leaves_the_finite_numbers_is_nan_from_there():
    found = solve_sde(
        lambda t, x, u, p: x**3 * 1e3, lambda t, x, u, p: 0 * x, jnp.ones(1), jnp.arange(6.0), key=0
    )
    assert found.reasons() == [Reason.NOT_FINITE]
    lost = np.isnan(found.states[:, 0])
    assert lost[-1]
    assert not lost[0]
    assert (np.diff(lost.astype(int)) >= 0).all()
    with pytest.raises(DivergedError, match="left the finite numbers"):
        found.check()


def test_instants_that_fall():
    with pytest.raises(ArgumentError, match=r"got 2 and then 1 \(index 1\); a stochastic equation is not"):
        solve("heun", times=np.array([2.0, 1.0, 0.5]))
    found = jax.jit(lambda t: solve("heun", times=t))(jnp.array([2.0, 1.0, 0.5]))
    assert found.reasons() == [Reason.BAD_TIMES]
    assert np.isnan(found.states[1:]).all()


def test_one_instant_is_the_initial_state():
    found = solve("euler_maruyama", times=np.array([1.0]))
    np.testing.assert_array_equal(found.states, X0[None].astype(np.float32))


def call(**changes):
    given = {
        "drift": lambda t, x, u, p: -x,
        "diffusion": lambda t, x, u, p: 0.1 * jnp.ones_like(x),
        "x0": jnp.ones(2),
        "times": jnp.arange(3.0),
        "key": 0,
    } | changes
    return solve_sde(given.pop("drift"), given.pop("diffusion"), given.pop("x0"), given.pop("times"), **given)


def wide(t, x, u, p):
    return jnp.ones((2, 3))


def grown(t, x, u, p):
    return jnp.ones((2, 3)) * x[:, None]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"noise": "diagnal"}, "unknown noise 'diagnal'; did you mean 'diagonal'"),
        ({"calculus": "Ito"}, "unknown calculus 'Ito'; did you mean 'ito'"),
        ({"solver": "heun"}, r"solver: expected dl.solvers.StochasticStep\(...\)"),
        ({"x0": jnp.ones((4, 2))}, r"x0: expected shape \(state,\), got \(4, 2\);.* jax.vmap"),
        ({"x0": jnp.ones(2, int)}, "x0: expected arrays of one floating-point type, got int32"),
        ({"times": jnp.ones((2, 3))}, r"times: expected shape \(time,\).* got \(2, 3\)"),
        ({"control": jnp.ones(3)}, "control: expected a signal such as dl.solvers.Held"),
        ({"key": 0.5}, "key: expected an int or a JAX key, got 0.5"),
        ({"drift": 3}, "drift: expected a function"),
        ({"drift": lambda t, x, u, p: x[0]}, r"drift: expected a value of shape \(2,\), got \(\)"),
        ({"drift": lambda t, x, u, p: (x, x)}, "drift: expected one array of shape .* got tuple"),
        ({"diffusion": lambda t, x, u, p: jnp.ones(2, int)}, "type of x0, float32, got int32"),
        ({"diffusion": wide}, r"\(state,\) with 2 states for noise='diagonal' .* got \(2, 3\)"),
        ({"noise": "general"}, r"\(state, noise\) with 2 states for noise='general' .* got \(2,\)"),
        ({"noise": "scalar", "diffusion": wide}, r"for noise='scalar' .* got \(2, 3\)"),
        ({"noise": "general", "diffusion": wide, "noise_size": 2}, "noise_size: expected 3, .* got 2"),
        ({"noise_size": 0}, "noise_size: expected an integer >= 1, got 0"),
        ({"noise": "additive", "diffusion": grown}, "does not depend on the state x .*noise='general'"),
        (
            {"noise": "general", "diffusion": grown, "solver": StochasticStep("milstein")},
            "'milstein': cannot integrate noise='general' .* there are 'euler_maruyama', 'heun'",
        ),
        (
            {"noise": "diagonal", "diffusion": lambda t, x, u, p: x, "solver": StochasticStep("sra1")},
            "depends on the state; for that there are 'euler_maruyama', 'milstein', 'heun'",
        ),
    ],
)
def test_bad_input(changes, text):
    with pytest.raises(ArgumentError, match=text):
        call(**changes)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("euler",), "unknown stochastic scheme 'euler'; did you mean 'euler_maruyama'"),
        (("heun", 0), "substeps: expected an integer >= 1, got 0"),
    ],
)
def test_bad_settings(arguments, text):
    with pytest.raises(ArgumentError, match=text):
        StochasticStep(*arguments)
