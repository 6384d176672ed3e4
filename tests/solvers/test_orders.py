"""Fixed steps converge with their order to the true solution, adaptive ones within their tolerance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.solvers import Adaptive, FixedStep, Held, Linear, Symplectic, solve_ode

from .problems import KNOTS, LEVELS, reference

ORDERS = {"euler": 1, "heun": 2, "midpoint": 2, "rk4": 4}
SYMPLECTIC = {"semi_implicit_euler": 1, "verlet": 2, "yoshida4": 4}
X0 = np.array([1.0, -0.5])
SPANS = {"forwards": (0.3, 2.8), "backwards": (2.8, 0.3)}
COUNTS = np.array([64, 128, 256])


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def rates(m, t, x, u):
    """Nonlinear, and driven in time, so that the stages' instants matter too."""
    return [x[1], (1 - x[0] ** 2) * x[1] - x[0] + m.sin(2 * t) + u]


def field(t, x, u, p):
    return jnp.stack(rates(jnp, t, x, 0.0 if u is None else u[0]))


def kick(m, t, x, u):
    """Separable: x = (q, p)."""
    return [x[1] + 0.2 * m.cos(t) * x[1] ** 2, -m.sin(x[0]) + m.cos(2 * t) + u]


PAIR = (
    lambda t, p, u, _: p + 0.2 * jnp.cos(t) * p**2,
    lambda t, q, u, _: -jnp.sin(q) + jnp.cos(2 * t) + (0.0 if u is None else u[0]),
)


def slopes(solver, field, x0, truth, control):
    """Of log error over log step count, forwards and backwards; the grids are padded, to solve them at once."""
    grids = [
        np.pad(np.linspace(*span, n + 1), (0, COUNTS[-1] - n), constant_values=np.nan)
        for span in SPANS.values()
        for n in COUNTS
    ]

    @jax.jit
    def ends(grids):
        return jax.vmap(lambda times: solve_ode(field, x0, times, control=control, solver=solver).last)(grids)

    found = np.stack(ends(jnp.asarray(grids)), -1) if isinstance(x0, tuple) else ends(jnp.asarray(grids))
    found = np.asarray(found).reshape(2, len(COUNTS), 2)
    errors = [np.abs(found[i] - truth(span)).max(1) for i, span in enumerate(SPANS.values())]
    return [-np.polyfit(np.log(COUNTS), np.log(e), 1)[0] for e in errors]


@pytest.mark.parametrize("signal", [None, Held, Linear], ids=["free", "held", "linear"])
@pytest.mark.parametrize(("scheme", "order"), ORDERS.items())
def test_fixed_steps_have_their_order_also_between_jumps_and_backwards(scheme, order, signal):
    """A jump inside a step would leave an order of 1, a kink one of 2."""
    control = signal and signal(KNOTS, LEVELS[:, None])

    def truth(span):
        own = rates if signal else lambda m, t, x, u: rates(m, t, x, 0.0)
        return reference(own, X0, np.array(span), jumps=signal is Held)[-1]

    found = slopes(FixedStep(scheme), field, jnp.asarray(X0), truth, control)
    np.testing.assert_allclose(found, order, atol=0.25)


@pytest.mark.parametrize("signal", [None, Held], ids=["free", "held"])
@pytest.mark.parametrize(("scheme", "order"), SYMPLECTIC.items())
def test_symplectic_steps_have_their_order_also_between_jumps_and_backwards(scheme, order, signal):
    control = signal and signal(KNOTS, LEVELS[:, None])

    def truth(span):
        own = kick if signal else lambda m, t, x, u: kick(m, t, x, 0.0)
        return reference(own, X0, np.array(span), jumps=True)[-1]

    x0 = tuple(jnp.asarray(X0))
    np.testing.assert_allclose(slopes(Symplectic(scheme), PAIR, x0, truth, control), order, atol=0.25)


@pytest.mark.parametrize("solver", [FixedStep("rk4", 5), Symplectic("verlet", 5)], ids=["rk4", "verlet"])
def test_substeps_are_the_same_steps_as_more_instants(solver):
    single = type(solver)(solver.scheme)
    x0, own = (jnp.asarray(X0), field) if isinstance(solver, FixedStep) else (tuple(jnp.asarray(X0)), PAIR)
    few = solve_ode(own, x0, np.linspace(0.0, 1.0, 5), solver=solver)
    many = solve_ode(own, x0, np.linspace(0.0, 1.0, 21), solver=single)
    for a, b in zip(jax.tree.leaves(few.states), jax.tree.leaves(many.states), strict=True):
        np.testing.assert_allclose(a, b[::5], rtol=1e-13)
    assert int(few.statistics.evaluations) == int(many.statistics.evaluations)


@pytest.mark.first(4)
@pytest.mark.parametrize("direction", SPANS)
@pytest.mark.parametrize(
    ("scheme", "tolerance"),
    [("tsit5", 1e-5), ("tsit5", 1e-8), ("dopri8", 1e-8), ("kvaerno5", 1e-6), ("auto", 1e-7)],
)
def test_adaptive_steps_keep_their_tolerance_also_across_jumps_and_backwards(scheme, tolerance, direction):
    """Errors of a step add up over the span: a few tens of the tolerance, at instants inside steps too."""
    times = np.linspace(*SPANS[direction], 14)
    truth = reference(rates, X0, times, jumps=True)
    solver = Adaptive(scheme, rtol=tolerance, atol=tolerance)
    control = Held(KNOTS, LEVELS[:, None])
    found = solve_ode(field, jnp.asarray(X0), times, control=control, solver=solver).check()
    np.testing.assert_allclose(found.states, truth, rtol=50 * tolerance, atol=50 * tolerance)
    # No better than asked for, either: what is computed for nothing costs time.
    assert np.abs(found.states - truth).max() > tolerance / 1000


@pytest.mark.parametrize("signal", [Held, Linear])
def test_adaptive_steps_land_on_knots_instead_of_searching_for_them(signal):
    """dx = u dt, which every method integrates exactly on a piece: no step is rejected, and nothing is off."""
    control = signal(KNOTS, LEVELS[:, None])
    found = solve_ode(lambda t, x, u, p: u, jnp.zeros(1), np.array([0.0, 3.0]), control=control)
    piece = (lambda t: LEVELS[np.searchsorted(KNOTS, t, side="right") - 1]) if signal is Held else None
    fine = np.linspace(0.0, 3.0, 300_001)
    middle = (fine[1:] + fine[:-1]) / 2
    exact = (piece(middle) if piece else np.interp(middle, KNOTS, LEVELS)).mean() * 3.0
    np.testing.assert_allclose(found.last, exact, atol=1e-9)
    assert int(found.statistics.rejected) == 0
