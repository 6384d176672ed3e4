"""local_error: what diffrax estimates for the same step, per unit of time."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.solvers.ode.local_error import local_error

X = np.array([1.0, -0.5])


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def field(t, x, u, p):
    return jnp.stack([x[1], p * (1 - x[0] ** 2) * x[1] - x[0] + jnp.sin(t) + u[0]])


def estimate(dt, p=2.0, scheme="tsit5", x=X):
    return local_error(field, jnp.asarray(x), 0.3, dt, u=jnp.ones(1), parameters=p, scheme=scheme)


@pytest.mark.parametrize(("scheme", "theirs"), [("tsit5", diffrax.Tsit5()), ("dopri8", diffrax.Dopri8())])
def test_it_is_the_error_that_diffrax_estimates_over_the_length_of_the_step(scheme, theirs):
    term = diffrax.ODETerm(lambda t, x, args: field(t, x, jnp.ones(1), 2.0))
    for dt in (0.5, 0.1, -0.2):
        state = theirs.init(term, 0.3, 0.3 + dt, jnp.asarray(X), None)
        _, error, *_ = theirs.step(term, 0.3, 0.3 + dt, jnp.asarray(X), None, state, False)
        expected = np.sqrt(np.mean(np.asarray(error) ** 2)) / abs(dt)
        np.testing.assert_allclose(estimate(dt, scheme=scheme), expected, rtol=1e-8, atol=1e-15)


def test_it_falls_with_the_fourth_power_of_the_step():
    """The embedded solution has order 4: an error of dt^5 in a step."""
    dt = np.array([0.05, 0.025, 0.0125])
    errors = [float(estimate(h)) for h in dt]
    assert np.polyfit(np.log(dt), np.log(errors), 1)[0] == pytest.approx(4, abs=0.2)


@pytest.mark.parametrize("scheme", ["tsit5", "dopri8"])
def test_a_step_of_no_length_has_a_value_and_a_gradient(scheme):
    found, slopes = jax.value_and_grad(lambda dt, p: estimate(dt, p, scheme), argnums=(0, 1))(0.0, 2.0)
    assert abs(found) < 1e-14
    assert np.isfinite(slopes).all()


def test_its_gradient_is_that_of_differences():
    h = 1e-5  # truncation h^2 ~ 1e-10, rounding 1e-16 / h ~ 1e-11; all relative to values of 0.01
    found = jax.grad(lambda p: estimate(0.5, p))(2.0)
    np.testing.assert_allclose(found, (estimate(0.5, 2 + h) - estimate(0.5, 2 - h)) / (2 * h), rtol=1e-6)


def test_states_may_be_any_tree():
    tree = lambda t, x, u, p: dict(zip("ab", field(t, jnp.stack([x["a"], x["b"]]), u, p), strict=True))  # noqa: E731
    found = local_error(
        tree, {"a": jnp.array(1.0), "b": jnp.array(-0.5)}, 0.3, 0.5, u=jnp.ones(1), parameters=2.0
    )
    np.testing.assert_allclose(found, estimate(0.5), rtol=1e-12)
