"""A linear system over one interval: every block against the integral that defines it."""

import numpy as np
import pytest
from scipy.integrate import quad_vec
from scipy.linalg import expm

from dynlearn.numerics import precision
from dynlearn.numerics.linear.discretisation import discretised

A = np.array([[-0.3, 1.0], [-2.0, -0.1]])
B = np.array([[0.0, 0.5], [1.0, -0.4]])
L = np.array([[0.2, 0.0], [0.1, 0.3]])


@pytest.mark.parametrize("dt", [0.01, 0.7, 30.0])
def test_every_block_is_its_integral(dt):
    with precision.float64():
        found = discretised(*map(precision.array, (A, B, L, dt)))
    held = quad_vec(lambda s: expm(A * s) @ B, 0, dt, epsabs=1e-12)[0]
    ramp = quad_vec(lambda s: expm(A * (dt - s)) @ B * s / dt, 0, dt, epsabs=1e-12)[0]
    noise = quad_vec(lambda s: expm(A * s) @ L @ L.T @ expm(A.T * s), 0, dt, epsabs=1e-12)[0]
    np.testing.assert_allclose(found.F, expm(A * dt), atol=1e-10)
    np.testing.assert_allclose(found.G, held, atol=1e-9)
    np.testing.assert_allclose(found.ramp, ramp, atol=1e-9)
    np.testing.assert_allclose(np.asarray(found.chol_Q) @ np.asarray(found.chol_Q).T, noise, atol=1e-9)


def test_a_ramp_is_half_a_step_where_nothing_moves():
    with precision.float64():
        zero, one, dt = (precision.array(v) for v in (np.zeros((1, 1)), np.ones((1, 1)), 2.0))
        found = discretised(zero, one, one, dt)
    assert float(found.G[0, 0]) == pytest.approx(2.0)
    assert float(found.ramp[0, 0]) == pytest.approx(1.0)
