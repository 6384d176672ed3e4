"""Far from t = 0: as good as at 0 where only intervals count, refused where float32 cannot tell the time."""

import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.control import CEM, MPC, Constraint, FunctionCost
from dynlearn.errors import ArgumentError
from dynlearn.numerics.resolution import reads
from dynlearn.solvers import FixedStep, Held, solve_ode, solve_sde

ORIGINS = [0.0, 1e5, 1.7e9]


def oscillation(origin: float = 0.0):
    """dx/dt = cos(2 (t - origin)), driven by nothing, with a control that does nothing."""
    t = 0.1 * np.arange(40)
    return dl.from_arrays(
        0.5 * np.sin(2 * t)[:, None],
        np.zeros((40, 1)),
        times=origin + t,
        output_names=["x"],
        units={"t": "s"},
    )


def clocked(t, x, u, s):
    return jnp.cos(2 * t)[None]


def blind(t, x, u, s):
    return -x + u


def fitted(family, ds, function):
    build = {
        "NeuralODE": lambda: dl.models.NeuralODE.from_data(ds, field=function, hidden=0, memory=1),
        "NeuralMap": lambda: dl.models.NeuralMap.from_data(ds, map=function, hidden=0, memory=1),
        "NonlinearStateSpace": lambda: dl.models.NonlinearStateSpace.from_data(
            ds, states=1, transition=function, observation=lambda x, s: x
        ),
    }[family]
    return dl.fit(build(), ds, method="calibration", progress=False).model


FAMILIES = ["NeuralODE", "NeuralMap", "NonlinearStateSpace"]


@pytest.mark.first(1)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_that_does_not_read_the_time_is_the_same_at_every_origin(family):
    forecasts = []
    for origin in ORIGINS:
        ds = oscillation(origin)
        fc = dl.forecast(fitted(family, ds, blind), ds, 5, controls=np.zeros((5, 1)), samples=2)
        np.testing.assert_allclose(fc["t"].values[0], origin + 0.1 * np.arange(40, 45))
        forecasts.append(fc["output_mean"].values)
    for found in forecasts[1:]:
        np.testing.assert_allclose(found, forecasts[0], rtol=1e-4, atol=1e-5)


@pytest.mark.first(3)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("origin", [*ORIGINS[1:], -1.7e9])
def test_a_model_that_reads_it_is_refused_and_the_remedy_works(family, origin):
    """As it is printed: whoever copies it goes on."""
    ds = oscillation(origin)
    with pytest.raises(
        ArgumentError, match=r"reads the time, and near .* float32 resolves it to "
    ) as refused:
        fitted(family, ds, clocked)
    given = {"ds": ds}
    exec(re.search(r"ds = ds\.assign_coords\(.*?\)", str(refused.value)).group(), given)
    moved = given["ds"]
    assert abs(moved["t"].values).max() < 5
    model = fitted(family, moved, clocked)
    for verb in (
        lambda: dl.forecast(model, ds, 5, controls=np.zeros((5, 1))),
        lambda: dl.simulate(model, ds, 10),
    ):
        with pytest.raises(ArgumentError, match=r"reads the time"):
            verb()
    dl.validate(dl.forecast(model, moved, 5, controls=np.zeros((5, 1)), samples=2))


def test_a_known_field_of_time_is_followed_at_zero():
    ds = oscillation()
    sim = dl.simulate(fitted("NeuralODE", ds, clocked), ds, warmup=1)
    np.testing.assert_allclose(sim["output"].values[0, :, 0], ds["output"].values[0, 1:, 0], atol=2e-6)


@pytest.mark.parametrize("kind", [np.asarray, list, tuple], ids=["array", "list", "tuple"])
@pytest.mark.parametrize("origin", ORIGINS[1:])
def test_solvers_refuse_instants_that_float32_cannot_tell_apart(origin, kind):
    times, x0 = kind(origin + 0.1 * np.arange(5)), jnp.zeros(1)
    with pytest.raises(ArgumentError, match=r"times: .* too near each other for float32"):
        solve_ode(lambda t, x, u, p: jnp.cos(2 * t)[None], x0, times, solver=FixedStep("rk4", 1))
    with pytest.raises(ArgumentError, match=r"times: .* too near each other for float32"):
        solve_sde(lambda t, x, u, p: -x, lambda t, x, u, p: jnp.ones(1), x0, times, key=0)
    with pytest.raises(ArgumentError, match=r"knots: .* too near each other for float32"):
        Held(times, np.zeros((5, 1)))


def test_solvers_take_what_float32_resolves():
    """Instants of a thousand seconds: near 1000 it resolves 6e-5 of a step of 0.1."""
    times = 1e3 + 0.1 * np.arange(20)
    x0 = jnp.array([0.5 * np.sin(2e3)], jnp.float32)
    found = solve_ode(lambda t, x, u, p: jnp.cos(2 * t)[None], x0, times, solver=FixedStep("rk4", 1))
    np.testing.assert_allclose(found.states[:, 0], 0.5 * np.sin(2 * times), atol=1e-4)


def controller(cost, constraints=()):
    ds = oscillation()
    model = fitted("NeuralODE", ds, blind)
    planner = CEM(samples=8, elites=2, iterations=1)
    return MPC(model, cost, 5, planner=planner, bounds=(-1, 1), interval=0.1, constraints=constraints)


def test_a_cost_that_reads_the_time_is_refused_far_from_zero():
    late = FunctionCost(lambda y, u, t: (y[0] - jnp.sin(t)) ** 2)
    with pytest.raises(ArgumentError, match=r"context: the cost reads the time"):
        controller(late).init(oscillation(1.7e9))
    plain = FunctionCost(lambda y, u, t: y[0] ** 2 + u[0] ** 2)
    limit = Constraint(lambda y, u, t: y[0] - t)
    with pytest.raises(ArgumentError, match=r"context: constraint 0 reads the time"):
        controller(plain, (limit,)).init(oscillation(1.7e9))
    far, near = (controller(plain).init(oscillation(origin)) for origin in (1.7e9, 0.0))
    actions = [controller(plain).act(memory, np.array([0.3]))[0] for memory in (far, near)]
    np.testing.assert_allclose(*actions, rtol=1e-5)


def test_who_reads_an_argument():
    assert reads(lambda t, x: x * jnp.where(t > 3, 1.0, 2.0), 0, (), (2,))
    assert reads(lambda t, x: t, 0, (), (2,))
    assert not reads(lambda t, x: x + 1, 0, (), (2,))
    for compiled in (jax.jit, eqx.filter_jit):
        assert reads(compiled(lambda t, x: t * x), 0, (), (2,))
        assert not reads(compiled(lambda t, x: -x), 0, (), (2,))
    assert not reads(lambda t, x: jax.lax.cond(x[0] > 0, lambda t, x: x, lambda t, x: -x, t, x), 0, (), (2,))
