"""Gradients of solves: against finite differences, between the adjoints, through padding and failures."""

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.solvers import Adaptive, FixedStep, Held, Linear, Symplectic, solve_ode

ADJOINTS = ("direct", "checkpointed", "continuous", "forward")
KNOTS = np.array([-0.5, 0.25, 0.9, 2.0])


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


POINT = {
    "x0": np.array([0.7, -0.4]),
    "parameters": {"stiffness": np.array(2.0), "damping": np.array(0.3)},
    "closed_over": np.array([0.5, 1.5]),
    "times": np.array([0.1, 0.5, 1.3, 1.5]),
    "values": np.array([[0.5], [-1.0], [1.5], [0.3]]),
}
WEIGHTS = np.random.default_rng(0).normal(size=(4, 2))


def loss(point, solver, adjoint="checkpointed", signal=Linear):
    closed_over = point["closed_over"]

    def field(t, x, u, p):
        force = -p["stiffness"] * jnp.sin(x[0]) - p["damping"] * x[1]
        return jnp.stack([closed_over[0] * x[1], force + u[0] + closed_over[1] * jnp.cos(2 * t)])

    solution = solve_ode(
        field,
        point["x0"],
        point["times"],
        control=signal(KNOTS, point["values"]),
        parameters=point["parameters"],
        solver=solver,
        adjoint=adjoint,
    )
    return jnp.sum(WEIGHTS * solution.states)


def differences(function, point, h=1e-5):
    """Central ones. Truncation is h^2 ~ 1e-10, rounding 1e-16 / h ~ 1e-11."""
    flat, shape = jax.flatten_util.ravel_pytree(point)
    shifted = jnp.concatenate([flat + h * jnp.eye(len(flat)), flat - h * jnp.eye(len(flat))])
    found = jax.jit(jax.vmap(lambda x: function(shape(x))))(shifted)
    return shape((found[: len(flat)] - found[len(flat) :]) / (2 * h))


def gradient(adjoint, function, point):
    return jax.jit((jax.jacfwd if adjoint == "forward" else jax.jacrev)(function))(point)


def assert_close(found, expected, tolerance):
    for (path, a), b in zip(jax.tree.leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=jax.tree_util.keystr(path))


@pytest.fixture(scope="module")
def truth():
    """Differences of solves that are exact to 11 digits."""
    with jax.enable_x64(True):
        point = jax.tree.map(jnp.asarray, POINT)
        solver = FixedStep(substeps=64)
        return {s: differences(lambda p, s=s: loss(p, solver, signal=s), point) for s in (Held, Linear)}


@pytest.mark.parametrize(
    ("scheme", "adjoint", "signal"),
    [("rk4", a, s) for a in ADJOINTS for s in (Held, Linear)]
    + [("tsit5", a, Linear) for a in ADJOINTS]
    + [("kvaerno5", "checkpointed", Linear), ("auto", "checkpointed", Linear)]
    + [
        pytest.param(*row, marks=pytest.mark.slow)
        for row in (
            ("tsit5", "checkpointed", Held),
            ("tsit5", "continuous", Held),
            ("dopri8", "checkpointed", Linear),
            ("kvaerno5", "continuous", Linear),
        )
    ],
)
def test_gradients_by_everything_match_finite_differences(scheme, adjoint, signal, truth):
    """By start, parameters, what the field closes over, instants and values of the control."""
    if scheme == "rk4":
        solver = FixedStep(substeps=32)
    else:
        solver = Adaptive(scheme, rtol=1e-9, atol=1e-9, max_steps=512)
    point = jax.tree.map(jnp.asarray, POINT)
    found, expected = gradient(adjoint, lambda p: loss(p, solver, adjoint, signal), point), truth[signal]
    # Where steps are cut off at knots, all those before move with the first instant: so does their error.
    moving = scheme != "rk4" and adjoint != "continuous"
    np.testing.assert_allclose(found.pop("times"), expected["times"], atol=1e-4 if moving else 1e-6)
    assert_close(found, {k: v for k, v in expected.items() if k != "times"}, 1e-6)


@pytest.mark.first(2)
@pytest.mark.parametrize("solver", [FixedStep("euler", 2), FixedStep("rk4", 2)], ids=["euler", "rk4"])
@pytest.mark.parametrize("adjoint", ["direct", "checkpointed", "forward"])
def test_fixed_steps_are_differentiated_as_they_were_taken(solver, adjoint):
    """Steps so long that the solution is off by far: the gradient is still that of what was computed."""
    point = jax.tree.map(jnp.asarray, POINT)
    found = gradient(adjoint, lambda p: loss(p, solver, adjoint), point)
    assert_close(found, differences(lambda p: loss(p, solver), point), 1e-8)


@pytest.mark.parametrize("adjoint", ["direct", "checkpointed", "forward"])
def test_symplectic_steps_are_differentiated_as_they_were_taken(adjoint):
    def energy(point, adjoint=adjoint):
        pair = (lambda t, p, u, k: p, lambda t, q, u, k: -k * jnp.sin(q) + u[0] * jnp.cos(t))
        solution = solve_ode(
            pair,
            (point["x0"][0], point["x0"][1]),
            point["times"],
            control=Held(KNOTS, point["values"]),
            parameters=point["parameters"]["stiffness"],
            solver=Symplectic("yoshida4", 2),
            adjoint=adjoint,
        )
        return jnp.sum(WEIGHTS.T * jnp.stack(solution.states))

    point = {k: jax.tree.map(jnp.asarray, v) for k, v in POINT.items() if k != "closed_over"}
    assert_close(gradient(adjoint, energy, point), differences(energy, point), 1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("adjoint", ADJOINTS)
def test_gradients_are_right_where_time_runs_backwards(adjoint):
    """x = x0 exp(-k (t - t0)), of which every derivative is known."""
    k, x0, start, end = 0.8, 1.5, 2.0, 0.5

    def last(point):
        k, x0, times = point
        solver = Adaptive("tsit5", rtol=1e-10, atol=1e-10, max_steps=128)
        return solve_ode(
            lambda t, x, u, k: -k * x, x0[None], times, parameters=k, solver=solver, adjoint=adjoint
        ).last[0]

    point = (jnp.array(k), jnp.array(x0), jnp.array([start, end]))
    x = x0 * np.exp(-k * (end - start))
    expected = (-(end - start) * x, x / x0, np.array([k * x, -k * x]))
    assert_close(gradient(adjoint, last, point), expected, 1e-8)


SOLVERS = {
    "rk4": FixedStep("rk4", 2),
    "tsit5": Adaptive("tsit5", 1e-6, 1e-6, max_steps=64),
    "kvaerno5": Adaptive("kvaerno5", 1e-6, 1e-6, max_steps=64),
    "auto": Adaptive("auto", 1e-6, 1e-6, max_steps=64),
}


@pytest.mark.first(3)
@pytest.mark.parametrize(
    ("name", "adjoint"),
    [("rk4", a) for a in ADJOINTS]
    + [("tsit5", a) for a in ADJOINTS]
    + [("kvaerno5", "checkpointed"), ("auto", "checkpointed")],
)
def test_intervals_of_no_length_and_padding_pass_a_gradient_on(name, adjoint):
    """The sum over padded rows is that of the last state."""

    def total(x0, times):
        solution = solve_ode(
            lambda t, x, u, p: -x + jnp.sin(t), x0, times, solver=SOLVERS[name], adjoint=adjoint
        )
        return solution.states.sum(0)[0]

    derive = jax.jacfwd if adjoint == "forward" else jax.jacrev
    slope = jax.jit(jax.vmap(derive(total, argnums=(0, 1)), in_axes=(None, 0)))
    times = jnp.array([[1.0] * 4, [0.0, 0.0, 1.0, 1.0], [0.0, 1.0, np.nan, np.nan]])
    by_x0, by_times = slope(jnp.ones(1), times)
    decay = np.exp(-1.0)
    np.testing.assert_allclose(by_x0[:, 0], [4, 2 + 2 * decay, 1 + 3 * decay], rtol=2e-3)
    assert np.isfinite(by_times).all()
    assert (np.asarray(by_times)[2:, 2:] == 0).all()


def explosion(t, x, u, p):
    return p * x**2


@pytest.mark.parametrize("adjoint", ["checkpointed", "continuous"])
@pytest.mark.parametrize("name", SOLVERS)
def test_a_trajectory_that_blows_up_leaves_the_gradient_of_the_others_alone(name, adjoint):
    """x = x0 / (1 - x0 t) is infinite at t = 1 / x0; those that get to the end have the gradient of that."""
    times = jnp.array([0.0, 0.25, 0.5, 1.0])

    def total(point):
        x0, p = point

        def one(x0):
            return solve_ode(explosion, x0[None], times, parameters=p, solver=SOLVERS[name], adjoint=adjoint)

        solution = jax.vmap(one)(x0)
        ok = (solution.code == 0)[:, None, None]
        return jnp.where(ok, solution.states, 0).sum(), solution

    x0 = jnp.array([0.1, 50.0, jnp.nan, -0.5, 400.0])
    (by_x0, by_p), solution = jax.jit(jax.grad(total, has_aux=True))((x0, jnp.array(1.0)))
    if name != "rk4":
        assert (np.asarray(solution.code) != 0).tolist() == [False, True, True, False, True]
    fine, t = np.array([0.1, -0.5]), np.asarray(times)[:, None]
    np.testing.assert_allclose(by_x0[np.array([0, 3])], (1 / (1 - fine * t) ** 2).sum(0), rtol=5e-3)
    assert np.isfinite(by_x0).all()
    assert np.isfinite(by_p)
    if name != "rk4":  # which jumps across the pole, and gets to the end somehow
        assert (np.asarray(by_x0)[np.array([1, 2, 4])] == 0).all()
        np.testing.assert_allclose(by_p, (fine**2 * t / (1 - fine * t) ** 2).sum(), rtol=5e-3)
