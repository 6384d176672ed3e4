"""Costs and the remembered past against formulas."""

import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.control import Quadratic
from dynlearn.control.controllers import past as pasts
from dynlearn.models import Signature


def test_a_quadratic_cost_is_the_quadratic_form_of_what_is_off_target():
    y, u = np.array([1.5, -2.0]), np.array([0.7])
    target, aim = np.array([0.5, 1.0]), np.array([0.2])
    Q, R, P = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[3.0]]), np.array([[4.0, -1.0], [-1.0, 2.0]])
    cost = Quadratic(target=target, Q=Q, R=R, terminal=P, control_target=aim)
    e, v = y - target, u - aim
    assert float(cost.running(jnp.asarray(y), jnp.asarray(u), jnp.zeros(()))) == pytest.approx(
        e @ Q @ e + v @ R @ v, rel=1e-6
    )
    assert float(cost.terminal(jnp.asarray(y))) == pytest.approx(e @ P @ e, rel=1e-6)
    assert float(Quadratic(target, Q, R).terminal(jnp.asarray(y))) == pytest.approx(e @ Q @ e, rel=1e-6)


def test_a_past_has_the_interval_from_each_sample_to_the_next():
    past = pasts.empty(Signature(("y",), ("u",)), 3)
    for k, (y, u) in enumerate([(1.0, 0.5), (np.nan, -0.5), (3.0, 0.25)]):
        past = pasts.applied(pasts.observed(past, jnp.array([y]), jnp.asarray(0.2 * k), 0.2), jnp.array([u]))
        assert past.valid.tolist() == [False] * (2 - k) + [True] * (k + 1)
    np.testing.assert_allclose(past.interval, [0.2, 0.2, 0.0])
    np.testing.assert_allclose(past.time, [0.0, 0.2, 0.4], rtol=1e-6)
    np.testing.assert_allclose(past.output[:, 0], [1.0, 0.0, 3.0])
    assert past.observed[:, 0].tolist() == [True, False, True]
    np.testing.assert_allclose(past.control[:, 0], [0.5, -0.5, 0.25])
