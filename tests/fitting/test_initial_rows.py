"""What EM reads of the start of a run, and of padding that has none."""

from typing import Any, cast

import jax.numpy as jnp
import numpy as np

from dynlearn.filtering.kalman.recursions import Smoothed
from dynlearn.fitting.methods.likelihood._moments import initial_rows


class Belief:
    mean = jnp.array([[1.0, -2.0], [9.0, 9.0]])
    chol = jnp.array([[[0.5, 0.0], [0.3, 0.4]], [[9.0, 0.0], [9.0, 9.0]]])


def test_rows_are_the_expected_square_of_one_and_the_first_state():
    back = cast(Smoothed, Smoothed(cast(Any, Belief), jnp.zeros((1, 2, 2)), jnp.zeros((1, 2, 2))))
    rows = np.asarray(initial_rows(back, jnp.array([True, True])))[0]
    mean, chol = np.asarray(Belief.mean[0]), np.asarray(Belief.chol[0])
    square = np.outer(mean, mean) + chol @ chol.T
    expected = np.block([[np.ones((1, 1)), mean[None]], [mean[:, None], square]])
    np.testing.assert_allclose(rows.T @ rows, expected, rtol=1e-6)
    assert not np.asarray(initial_rows(back, jnp.array([False, False]))).any()
