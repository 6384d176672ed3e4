"""Batches, padding, failures, trees, types of numbers: what is promised about the shape of a solve."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.errors import DivergedError
from dynlearn.solvers import Adaptive, FixedStep, Held, Linear, Reason, Symplectic, solve_ode

SOLVERS = {
    "rk4": FixedStep("rk4", 3),
    "verlet": Symplectic("verlet", 3),
    "tsit5": Adaptive("tsit5"),
    "kvaerno5": Adaptive("kvaerno5"),
    "auto": Adaptive("auto"),
}
PLAIN = {name: solver for name, solver in SOLVERS.items() if name != "verlet"}


def field(t, x, u, p):
    return {"q": x["p"], "p": u[0] - p * x["q"]}


PAIR = (lambda t, p, u, k: {"v": p["v"]}, lambda t, q, u, k: {"v": u[0] - k * q["v"]})


@pytest.mark.parametrize("signal", [Held, Linear])
@pytest.mark.parametrize("name", SOLVERS)
def test_a_batch_is_what_its_members_are(name, signal):
    """Own starts, instants (padded, standing still, backwards), knots and parameters; states are trees."""
    if signal is Linear and name in ("kvaerno5", "auto"):
        pytest.skip("one control is enough for these")
    rng = np.random.default_rng(0)
    q, p, forces = (jnp.asarray(rng.normal(size=s), jnp.float32) for s in ((4,), (4,), (4, 3, 1)))
    times = np.array(
        [[0.0, 0.3, 1.0, 2.0], [1.0, 1.5, 1.5, 4.0], [2.0, 1.7, 0.1, -1.0], [0.0, 0.7, np.nan, np.nan]]
    )
    knots = np.array([[0.0, 0.5, 1.1], [1.2, 1.3, np.nan], [0.1, 0.2, 1.8], [0.1, 0.2, 3.0]])
    stiffness = jnp.array([0.5, 1.0, 2.0, 3.0])

    @jax.jit
    def one(q, p, times, knots, forces, k):
        own, x0 = (PAIR, ({"v": q}, {"v": p})) if name == "verlet" else (field, {"q": q, "p": p})
        return solve_ode(own, x0, times, control=signal(knots, forces), parameters=k, solver=SOLVERS[name])

    arguments = (q, p, jnp.asarray(times, jnp.float32), jnp.asarray(knots, jnp.float32), forces, stiffness)
    batch = jax.jit(jax.vmap(one))(*arguments).check()
    for i in range(4):
        single = one(*(a[i] for a in arguments))
        for a, b in zip(jax.tree.leaves(batch.states), jax.tree.leaves(single.states), strict=True):
            assert a.dtype == jnp.float32
            np.testing.assert_allclose(a[i], b, rtol=1e-5, atol=1e-5)
        # Rounding of a batch may differ, and tip a step over its tolerance.
        assert abs(int(batch.statistics.steps[i]) - int(single.statistics.steps)) <= 1
    for leaf in jax.tree.leaves(batch.states):
        np.testing.assert_array_equal(leaf[3, 2:], np.repeat(leaf[3, 1], 2))
        np.testing.assert_allclose(leaf[1, 2], leaf[1, 1], rtol=1e-6)
    np.testing.assert_array_equal(batch.valid, np.isfinite(times))
    last = [leaf[3, 1] for leaf in jax.tree.leaves(batch.states)]
    assert [leaf[3] for leaf in jax.tree.leaves(batch.last)] == last


@pytest.mark.parametrize("name", PLAIN)
def test_a_failure_is_nan_from_there_on_with_its_reason(name):
    """x = x0 / (1 - x0 t); the start that is NaN, the pole, and two that are fine."""
    times = jnp.array([0.0, 0.1, 0.5, 1.0])
    x0 = jnp.array([0.5, 4.0, jnp.nan, -1.0])

    @jax.jit
    @jax.vmap
    def solve(x0):
        substeps = FixedStep("rk4", 200)
        solver = substeps if name == "rk4" else Adaptive(SOLVERS[name].scheme, max_steps=256)
        return solve_ode(lambda t, x, u, p: x**2, x0[None], times, solver=solver)

    solution = solve(x0)
    reasons = solution.reasons()
    assert reasons[0] is reasons[3] is Reason.DONE
    assert reasons[2] is Reason.NOT_FINITE
    assert reasons[1] in (Reason.NOT_FINITE, Reason.TOO_MANY_STEPS)
    states = np.asarray(solution.states)[..., 0]
    exact = np.asarray(x0)[:, None] / (1 - np.asarray(x0)[:, None] * np.asarray(times))
    np.testing.assert_allclose(states[[0, 3]], exact[[0, 3]], rtol=1e-3)
    np.testing.assert_allclose(states[1, :2], exact[1, :2], rtol=1e-3)
    assert np.isnan(states[1, 2:]).all()
    assert np.isnan(states[2]).all()
    with pytest.raises(DivergedError, match=r"of 4 failed \(the first is [12]\)\. "):
        solution.check()


def test_too_few_steps_are_named_with_a_remedy():
    solution = solve_ode(
        lambda t, x, u, p: jnp.cos(9 * t) * x, jnp.ones(1), jnp.arange(9.0), solver=Adaptive(max_steps=4)
    )
    assert solution.reasons() == [Reason.TOO_MANY_STEPS]
    assert int(solution.statistics.steps) == 4
    assert np.isnan(solution.last).all()
    with pytest.raises(DivergedError, match=r"1 of 1 failed .* raise max_steps"):
        solution.check()


@pytest.mark.parametrize("name", PLAIN)
def test_instants_that_go_to_and_fro_in_a_compiled_program_are_a_reason(name):
    solve = jax.jit(lambda times: solve_ode(lambda t, x, u, p: -x, jnp.ones(1), times, solver=SOLVERS[name]))
    solution = solve(jnp.array([0.0, 2.0, 1.0]))
    assert solution.reasons() == [Reason.BAD_TIMES]
    np.testing.assert_array_equal(np.isnan(solution.states[:, 0]), [False, True, True])
    with pytest.raises(DivergedError, match="sort `times`"):
        solution.check()
    solve(jnp.array([0.0, 1.0, 1.0])).check()


@pytest.mark.parametrize("name", PLAIN)
def test_a_single_instant_is_the_start(name):
    x0 = jnp.array([1.0, 2.0])
    for times in (jnp.array([3.0]), jnp.array([3.0, 3.0])):
        solution = solve_ode(lambda t, x, u, p: x, x0, times, solver=SOLVERS[name]).check()
        np.testing.assert_array_equal(solution.last, x0)
        assert int(solution.statistics.steps) == 0


def test_statistics_count_the_work():
    evaluated = []

    def field(t, x, u, p):
        jax.debug.callback(lambda: evaluated.append(1))
        return -x

    times = jnp.array([0.0, 0.5, 2.0])
    for solver in (FixedStep("rk4", 4), FixedStep("euler", 3), Adaptive("tsit5")):
        evaluated.clear()
        work = solve_ode(field, jnp.ones(1), times, solver=solver).statistics
        jax.effects_barrier()
        # The adaptive ones look once more, whether the start can be evaluated at all.
        extra = isinstance(solver, Adaptive)
        assert abs(len(evaluated) - int(work.evaluations)) <= 2 * extra
        assert int(work.rejected) <= int(work.steps)


@pytest.mark.parametrize("name", ["rk4", "tsit5", "kvaerno5"])
def test_a_short_solve_far_from_time_zero_is_exact_in_float32(name):
    """1e6 + 0.01 is 1e6 in float32: time counted from the start of the step, which the field adds."""

    def one(start):
        field = lambda t, x, u, p: -x * (start + t) / 1e6  # noqa: E731
        return solve_ode(field, jnp.ones(1), jnp.array([0.0, 0.01]), solver=SOLVERS[name]).last

    np.testing.assert_allclose(jax.jit(one)(jnp.float32(1e6)), np.exp(-0.01), rtol=3e-7)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["rk4", "tsit5"])
def test_everything_is_computed_in_the_type_of_the_start(name, dtype):
    """Whatever that of instants and control is."""
    with jax.enable_x64(True):
        for other in (np.float32, np.float64, np.int32):
            control = Held(np.array([0, 1], other), np.array([[1], [2]], other))
            times = np.array([0, 1, 2], other)
            solution = solve_ode(
                lambda t, x, u, p: u - x, jnp.zeros(1, dtype), times, control=control, solver=SOLVERS[name]
            )
            assert solution.states.dtype == solution.times.dtype == dtype
            exact = 2 + (1 - np.exp(-1) - 2) * np.exp(-1)
            np.testing.assert_allclose(solution.last, exact, rtol=1e-3)


def slope(t, x, u, p):
    return u - p * x


@pytest.mark.first(1)
@pytest.mark.parametrize("adjoint", ["checkpointed", "continuous"])
@pytest.mark.parametrize("name", ["rk4", "tsit5"])
def test_the_second_call_compiles_nothing(name, adjoint, compilations):
    """Called as it is, in a compiled batch, and differentiated; with new values throughout."""
    solver = SOLVERS[name]

    def one(x0, times, values, p):
        control = Held(times, values)
        return solve_ode(slope, x0, times, control=control, parameters=p, solver=solver, adjoint=adjoint).last

    batch = jax.jit(jax.vmap(one))
    slopes = jax.jit(jax.grad(lambda *a: jax.vmap(one)(*a).sum(), argnums=(0, 2, 3)))

    def arguments(i):
        x0, times = np.full((2, 1), 1.0 + i, np.float32), np.array([[0.0, 1.0, 2.0]] * 2, np.float32) + i
        return tuple(map(jnp.asarray, (x0, times, np.full((2, 3, 1), i, np.float32), np.float32([1, 2 + i]))))

    def call(i):
        a = arguments(i)
        jax.block_until_ready((one(*[x[0] for x in a]), batch(*a), slopes(*a)))

    call(0)
    with compilations() as names:
        call(1)
    assert names == []


def test_what_a_field_closes_over_may_change_between_calls():
    """A module is a tree: its arrays are arguments, not constants of the compiled program."""

    class Decay(eqx.Module):
        rate: jax.Array

        def __call__(self, t, x, u, p):
            return -self.rate * x

    for rate in (1.0, 2.0):
        solution = solve_ode(Decay(jnp.array(rate)), jnp.ones(1), jnp.array([0.0, 1.0]))
        np.testing.assert_allclose(solution.last, np.exp(-rate), rtol=1e-3)


def test_knots_that_are_the_instants_cost_no_steps_of_their_own():
    times = jnp.array([0.0, 0.5, 2.0, 3.0])
    values = jnp.arange(4.0)[:, None]

    def solve(t, control):
        return solve_ode(lambda t, x, u, p: u, jnp.zeros(1), t, control=control, solver=FixedStep("euler"))

    def scans(knots):
        return str(
            jax.make_jaxpr(lambda t: solve(t, Held(t if knots is None else knots, values)).last)(times)
        )

    assert "length=3" in scans(None)
    assert "length=7" in scans(times + 0.1)
    np.testing.assert_allclose(solve(times, Held(times, values)).last, [1.5 + 2.0])
