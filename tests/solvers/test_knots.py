"""Instants and knots that cannot be meant, outside and inside of a compiled program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.errors import ArgumentError
from dynlearn.solvers import FixedStep, Held, Reason, solve_ode
from dynlearn.solvers.checks import is_aligned

KNOTS, LEVELS = jnp.array([0.0, 1, 2, 3]), jnp.array([[0.0], [1], [-1], [2]])
TIMES = jnp.linspace(0.0, 3.0, 4)


def follow(knots=KNOTS, levels=LEVELS, times=TIMES):
    control = Held(knots, levels)
    return solve_ode(lambda t, x, u, p: u, jnp.zeros(1), times, control=control, solver=FixedStep("rk4"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"knots": KNOTS[::-1]}, "expected knots that increase, got 3 and then 2"),
        (
            {"knots": KNOTS.at[1].set(jnp.nan)},
            "knots: expected finite instants, with NaN only after the last",
        ),
        ({"levels": LEVELS * 1j}, "expected real values, got complex64"),
        (
            {"times": 1.6e9 + np.arange(4.0)},
            r"are too near each other for float32, which .*; subtract the first instant",
        ),
    ],
)
def test_they_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        follow(**options)


@pytest.mark.parametrize("knots", [KNOTS[::-1], KNOTS.at[1].set(jnp.nan)])
def test_knots_out_of_order_fail_in_a_compiled_program(knots):
    solution = jax.jit(follow)(knots)
    assert solution.reasons() == [Reason.BAD_TIMES]
    assert np.isnan(solution.states[1:]).all()


@pytest.mark.parametrize(
    "times", [[0.0, jnp.inf, 1, 2], [0.0, jnp.nan, 1, 2], [0.0, jnp.inf], [jnp.nan, 1.0]], ids=str
)
def test_what_is_not_padding_fails_in_a_compiled_program(times):
    assert jax.jit(lambda t: follow(times=t))(jnp.array(times)).reasons() == [Reason.BAD_TIMES]
    assert jax.jit(lambda t: follow(times=t))(jnp.array([0.0, 1, 2, jnp.nan])).reasons() == [Reason.DONE]


def test_a_single_step_over_knots_out_of_order_fails_too():
    solution = jax.jit(lambda knots: follow(knots, times=TIMES[:2]))(KNOTS[::-1])
    assert solution.reasons() == [Reason.BAD_TIMES]


def test_check_inside_a_compiled_program_says_where_it_belongs():
    with pytest.raises(ArgumentError, match="call them on the result"):
        jax.jit(lambda t: follow(times=t).check().last)(TIMES)


def test_a_number_is_a_parameter_of_the_continuous_adjoint():
    def last(k):
        field = lambda t, x, u, k: -k * x  # noqa: E731
        solver = FixedStep("rk4", 8)
        return solve_ode(field, jnp.ones(1), TIMES, parameters=k, adjoint="continuous", solver=solver).last[0]

    assert jax.grad(last)(0.7) == pytest.approx(-3 * np.exp(-2.1), rel=1e-3)


@pytest.mark.parametrize("kind", [jnp.asarray, np.asarray, list], ids=["jax", "numpy", "list"])
def test_a_control_given_at_the_instants_is_known_to_be(kind):
    """Outside by its values; inside, where they are not known, by being one and the same array."""
    times = kind(np.arange(4.0))
    assert is_aligned(Held(times, LEVELS), times)
    assert not is_aligned(Held(times, LEVELS), TIMES + 0.5)


@pytest.mark.parametrize("under", [jax.jit, jax.vmap, jax.jacfwd, lambda f: jax.grad(f, has_aux=True)])
def test_it_is_known_under_every_transformation(under):
    def solve(times):
        solution = follow(times, LEVELS, times)
        found.append((is_aligned(Held(times, LEVELS), times), solution.states.shape))
        return solution.states.sum(), solution.states

    found = []
    under(solve)(TIMES[None] if under is jax.vmap else TIMES)
    assert found == [(True, (4, 1))]
