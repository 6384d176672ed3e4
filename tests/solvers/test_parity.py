"""Our solvers, diffrax, torchdiffeq and scipy find the same solutions; same methods take the same steps."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
import pytest

from dynlearn.solvers import Adaptive, FixedStep, Linear, solve_ode

from .problems import KNOTS, LEVELS, PROBLEMS, solution

RTOL, ATOL = 1e-7, 1e-9
WIDEST = 3


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def padded(name):
    """The field on three states, of which the last may idle."""
    field = PROBLEMS[name].field

    def rate(t, x, u):
        rates = field(jnp, t, x, u)
        return jnp.stack([*rates, *[jnp.zeros_like(t)] * (WIDEST - len(rates))])

    return rate


FIELDS = [padded(name) for name in PROBLEMS]
X0 = np.array([(*p.x0, *[0.0] * (WIDEST - len(p.x0))) for p in PROBLEMS.values()])
TIMES = np.stack([p.times for p in PROBLEMS.values()])


def any_of_them(t, x, u, which):
    return jax.lax.switch(which, FIELDS, t, x, u[0])


def check(states, tolerance):
    for name, found in zip(PROBLEMS, states, strict=True):
        exact = solution(name)
        found = np.asarray(found)[:, : exact.shape[1]]
        allowed = getattr(PROBLEMS[name], tolerance)
        np.testing.assert_allclose(found, exact, rtol=allowed, atol=allowed, err_msg=name)


@pytest.mark.parametrize(
    ("solver", "tolerance"),
    [
        (FixedStep("rk4", 15), "fixed"),
        *((Adaptive(scheme, RTOL, ATOL), "adaptive") for scheme in ("tsit5", "dopri8", "kvaerno5", "auto")),
    ],
    ids=["rk4", "tsit5", "dopri8", "kvaerno5", "auto"],
)
def test_our_solvers_reach_the_reference_on_every_problem(solver, tolerance):
    """All problems as one batch: 15 steps per interval are 50 or more per unit of time."""

    def one(x0, times, which):
        control = Linear(KNOTS, LEVELS[:, None])
        return solve_ode(any_of_them, x0, times, control=control, parameters=which, solver=solver)

    found = jax.jit(jax.vmap(one))(jnp.asarray(X0), jnp.asarray(TIMES), jnp.arange(len(X0)))
    check(found.check().states, tolerance)


def test_plain_diffrax_reaches_the_reference_on_every_problem():
    def one(x0, times, which):
        return diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, x, w: any_of_them(t, x, jnp.interp(t, KNOTS, LEVELS)[None], w)),
            diffrax.Tsit5(),
            times[0],
            times[-1],
            None,
            x0,
            which,
            saveat=diffrax.SaveAt(ts=times),
            stepsize_controller=diffrax.PIDController(rtol=RTOL, atol=ATOL),
        ).ys

    check(jax.jit(jax.vmap(one))(jnp.asarray(X0), jnp.asarray(TIMES), jnp.arange(len(X0))), "adaptive")


@pytest.mark.parametrize("method", ["dopri5", "rk4"])
def test_torchdiffeq_reaches_the_reference_on_every_problem(method):
    torch = pytest.importorskip("torch")
    torchdiffeq = pytest.importorskip("torchdiffeq")
    states = []
    for problem in PROBLEMS.values():

        def rate(t, x, field=problem.field):
            return torch.stack(list(field(torch, t, x, float(np.interp(float(t), KNOTS, LEVELS)))))

        # A step of 1/300 meets the kinks of the control, between instants, with an error of its square.
        options = {} if method != "rk4" else {"options": {"step_size": 1 / 300}}
        x0, times = torch.tensor(problem.x0, dtype=torch.float64), torch.from_numpy(problem.times)
        states.append(torchdiffeq.odeint(rate, x0, times, rtol=RTOL, atol=ATOL, method=method, **options))
    check([s.numpy() for s in states], "adaptive")


def van_der_pol(t, x, u, p):
    return jnp.stack(PROBLEMS["van_der_pol"].field(jnp, t, x, u))


INSTANTS = PROBLEMS["van_der_pol"].times
START = np.array(PROBLEMS["van_der_pol"].x0)


@pytest.mark.parametrize(
    ("scheme", "theirs"),
    [("euler", diffrax.Euler), ("heun", diffrax.Heun), ("midpoint", diffrax.Midpoint)],
)
def test_diffrax_takes_the_same_fixed_steps(scheme, theirs):
    found = solve_ode(van_der_pol, jnp.asarray(START), INSTANTS, solver=FixedStep(scheme))
    expected = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, x, args: van_der_pol(t, x, None, None)),
        theirs(),
        INSTANTS[0],
        INSTANTS[-1],
        None,
        jnp.asarray(START),
        saveat=diffrax.SaveAt(ts=INSTANTS),
        stepsize_controller=diffrax.StepTo(INSTANTS),
    )
    np.testing.assert_allclose(found.states, expected.ys, rtol=1e-12)


@pytest.mark.parametrize(
    ("scheme", "theirs"), [("euler", "euler"), ("heun", "heun2"), ("midpoint", "midpoint")]
)
def test_torchdiffeq_takes_the_same_fixed_steps(scheme, theirs):
    torch = pytest.importorskip("torch")
    torchdiffeq = pytest.importorskip("torchdiffeq")
    expected = torchdiffeq.odeint(
        lambda t, x: torch.stack(PROBLEMS["van_der_pol"].field(torch, t, x, 0.0)),
        torch.from_numpy(START),
        torch.from_numpy(INSTANTS),
        method=theirs,
    )
    found = solve_ode(van_der_pol, jnp.asarray(START), INSTANTS, solver=FixedStep(scheme))
    np.testing.assert_allclose(found.states, expected, rtol=1e-12)


def test_rk4_is_the_textbook_method():
    """torchdiffeq's rk4 is the 3/8 rule, and diffrax has none."""

    def f(x):
        return np.stack(PROBLEMS["van_der_pol"].field(np, 0.0, x, 0.0))

    states = [START]
    for h in np.diff(INSTANTS):
        x = states[-1]
        k1 = f(x)
        k2 = f(x + h / 2 * k1)
        k3 = f(x + h / 2 * k2)
        k4 = f(x + h * k3)
        states.append(x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
    found = solve_ode(van_der_pol, jnp.asarray(START), INSTANTS, solver=FixedStep("rk4"))
    np.testing.assert_allclose(found.states, states, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "theirs"),
    [
        ("tsit5", diffrax.Tsit5()),
        ("dopri8", diffrax.Dopri8()),
        (
            "kvaerno5",
            diffrax.Kvaerno5(root_finder=diffrax.VeryChord(rtol=1e-6, atol=1e-8, norm=optx.rms_norm)),
        ),
    ],
    ids=["tsit5", "dopri8", "kvaerno5"],
)
def test_diffrax_takes_the_same_adaptive_steps(scheme, theirs):
    """Ours is written out stage by stage: the same up to rounding, steps, rejections and dense output alike."""
    coefficients = {"pcoeff": 0.3, "icoeff": 0.3} if scheme == "kvaerno5" else {}
    found = solve_ode(van_der_pol, jnp.asarray(START), INSTANTS, solver=Adaptive(scheme, 1e-6, 1e-8))
    expected = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, x, args: van_der_pol(t, x, None, None)),
        theirs,
        INSTANTS[0],
        INSTANTS[-1],
        None,
        jnp.asarray(START),
        saveat=diffrax.SaveAt(ts=INSTANTS),
        stepsize_controller=diffrax.PIDController(rtol=1e-6, atol=1e-8, **coefficients),
    )
    np.testing.assert_allclose(found.states, expected.ys, rtol=1e-10, atol=1e-12)
    assert int(found.statistics.steps) == int(expected.stats["num_steps"])
    assert int(found.statistics.rejected) == int(expected.stats["num_rejected_steps"])
