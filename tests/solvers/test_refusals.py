"""What cannot be solved is refused, with what was expected, what came and what to do."""

from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.errors import ArgumentError
from dynlearn.solvers import (
    Adaptive,
    FixedStep,
    Held,
    Linear,
    StochasticAdaptive,
    Symplectic,
    solve_cde,
    solve_ode,
)
from dynlearn.solvers.ode.local_error import local_error

X0, TIMES = jnp.ones(2), np.array([0.0, 1.0, 2.0])


def decay(t, x, u, p):
    return -x


def ode(field=decay, x0=X0, times=TIMES, **options):
    return solve_ode(field, x0, times, **options)


def cde(field=lambda t, x, p: x[:, None], x0=X0, path=None, times=TIMES):
    return solve_cde(field, x0, path if path is not None else Linear(TIMES, TIMES[:, None]), times)


PAIR = (lambda t, p, u, k: p, lambda t, q, u, k: -q)

REFUSED = {
    "scheme, fixed": (lambda: FixedStep("rk5"), "unknown fixed-step scheme 'rk5'; did you mean 'rk4'"),
    "scheme, adaptive": (
        lambda: Adaptive("dopri5"),
        "unknown adaptive scheme 'dopri5'; did you mean 'dopri8'",
    ),
    "scheme, symplectic": (lambda: Symplectic("yoshida"), "did you mean 'yoshida4'"),
    "scheme, local error": (lambda: local_error(decay, X0, 0.0, 0.1, scheme="rk4"), "unknown scheme 'rk4'"),
    "substeps": (lambda: FixedStep(substeps=0), "substeps: expected an integer >= 1, got 0"),
    "substeps, real": (lambda: Symplectic(substeps=1.5), "substeps: expected an integer >= 1, got 1.5"),
    "max_steps": (lambda: Adaptive(max_steps=0), "max_steps: expected an integer >= 1, got 0"),
    "rtol": (lambda: Adaptive(rtol=0.0), "rtol: expected a number > 0, got 0.0"),
    "atol": (lambda: Adaptive(atol="small"), "atol: expected a number > 0, got 'small'"),
    "atol, truth": (lambda: Adaptive(atol=True), "atol: expected a number > 0, got True"),
    "solver": (lambda: ode(solver="rk4"), r"solver: expected dl.solvers.Adaptive\(...\).* got 'rk4'"),
    "adjoint": (
        lambda: ode(adjoint="checkpoint"),
        "unknown adjoint 'checkpoint'; did you mean 'checkpointed'",
    ),
    "adjoint, symplectic": (
        lambda: ode(PAIR, (X0, X0), solver=Symplectic(), adjoint="continuous"),
        "adjoint: Symplectic has 'direct', 'checkpointed', 'forward', got 'continuous'",
    ),
    "times, two axes": (
        lambda: ode(times=np.zeros((2, 3))),
        r"times: expected shape \(time,\) .* got \(2, 3\); .* jax.vmap",
    ),
    "times, none": (lambda: ode(times=np.zeros(0)), r"one instant or more, got \(0,\)"),
    "times, ragged": (
        lambda: ode(times=[[0.0], [0.0, 1.0]]),
        "times: .* pad the shorter trajectories with NaN",
    ),
    "times, turning": (lambda: ode(times=[0.0, 2.0, 1.0]), "they turn after index 1; sort them"),
    "times, turning later": (lambda: ode(times=[5.0, 5.0, 3.0, 4.0]), "they turn after index 2; sort them"),
    "times, NaN inside": (lambda: ode(times=[0.0, np.nan, 1.0]), "NaN only after the last one"),
    "times, infinite": (lambda: ode(times=[0.0, np.inf]), "times: expected finite instants"),
    "times, complex": (
        lambda: ode(times=np.array([0.0, 1.0j])),
        "times: expected real numbers, got complex64",
    ),
    "x0, integers": (lambda: ode(x0=jnp.array([1, 2])), "x0: .* got int32; write 1.0 for 1"),
    "x0, two types": (
        lambda: ode(x0=(X0, X0.astype(jnp.float16))),
        "one floating-point type, got float16, float32",
    ),
    "x0, nothing": (lambda: ode(x0={}), "x0: .* got nothing"),
    "x0, a string": (lambda: ode(x0="start"), "x0: expected a tree of arrays, got 'start'"),
    "field, none": (lambda: ode(field=None), "field: expected a function, got NoneType"),
    "field, shape": (lambda: ode(lambda t, x, u, p: x[:1]), r"of shape \(2,\) and type float32, got \(1,\)"),
    "field, type": (
        lambda: ode(lambda t, x, u, p: x.astype(jnp.float16)),
        "got .* float16; reshape or cast it",
    ),
    "field, structure": (lambda: ode(lambda t, x, u, p: (x, x)), "field: expected a value of the structure"),
    "field, a leaf": (
        lambda: ode(lambda t, x, u, p: {"a": x["a"], "b": X0[0]}, {"a": X0, "b": X0}),
        r"a value at \['b'\] of shape \(2,\)",
    ),
    "field, symplectic": (lambda: ode(solver=Symplectic()), "field: Symplectic expects a pair"),
    "x0, symplectic": (lambda: ode(PAIR, solver=Symplectic()), r"x0: Symplectic expects a pair \(q0, p0\)"),
    "field of a pair": (
        lambda: ode((PAIR[0], lambda t, q, u, k: q[:1]), (X0, X0), solver=Symplectic()),
        r"field\[1\], which gives dp/dt: expected a value of shape \(2,\)",
    ),
    "control": (lambda: ode(control=np.ones(3)), r"control: expected a signal such as .*Held.* got ndarray"),
    "control, knots": (
        lambda: ode(control=Held(TIMES, np.ones((2, 1)))),
        r"control: expected times of shape \(knot,\) .* got \(3,\) and \(2, 1\)",
    ),
    "control, channels": (lambda: ode(control=Held(TIMES, np.ones(3))), r"got \(3,\) and \(3,\)"),
    "path": (
        lambda: cde(path=Held(TIMES, TIMES[:, None])),
        "path: expected a signal such as .*Linear.* got Held",
    ),
    "matrix": (
        lambda: cde(lambda t, x, p: x),
        r"field: expected a matrix of shape .* = \(2, 1\), got \(2,\)",
    ),
    "x0, cde": (lambda: cde(x0=jnp.ones((1, 2))), r"x0: expected shape \(state,\), got \(1, 2\)"),
    "x0, cde, integers": (lambda: cde(x0=jnp.array([1, 2])), "x0: .* got int32"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_with_a_remedy(case):
    call, message = REFUSED[case]
    with pytest.raises(ArgumentError, match=message):
        call()


def test_settings_that_are_equal_are_of_one_kind():
    """Whoever wrote them: they are the key of a compiled program, and are written to files."""
    exact = 1 / 1024
    for tolerance in (np.float32(exact), np.float64(exact), Fraction(1, 1024)):
        assert Adaptive(rtol=tolerance, max_steps=np.int64(64)) == Adaptive(rtol=exact, max_steps=64)
        assert type(Adaptive(rtol=tolerance).rtol) is float
        assert type(StochasticAdaptive(rtol=tolerance).rtol) is float
