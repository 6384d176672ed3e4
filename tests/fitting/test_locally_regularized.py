"""The locally regularized objective: a multi-step error plus the solver's own error estimate."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.fitting import locally_regularized, multi_step
from dynlearn.fitting.examples import Examples


@pytest.fixture(scope="module")
def node(make_linear):
    ds = make_linear(lengths=(40,) * 3)
    model = dl.models.NeuralODE.from_data(ds, hidden=0, memory=2, width=8, key=0)
    return model, Examples.of(model, ds, 6, "train").spread(8)


def test_it_adds_a_weighted_error_estimate_to_the_multi_step_error(node):
    model, batch = node
    key = jax.random.key(0)
    plain = float(multi_step(model, batch, key)[0])
    once, metrics = locally_regularized(model, batch, key, weight=0.5)
    assert float(metrics["local_error"]) > 0
    assert float(once) == pytest.approx(plain + 0.5 * float(metrics["local_error"]), rel=1e-5)


def test_the_instant_is_drawn_anew_for_every_key(node):
    model, batch = node
    found = {float(locally_regularized(model, batch, jax.random.key(i))[1]["local_error"]) for i in range(4)}
    assert len(found) == 4


@pytest.mark.slow
def test_minimising_it_gives_a_field_that_is_easier_to_solve(make_linear):
    """Both fits see the same windows; the regularised one is solved with a smaller error per step."""
    ds = make_linear(lengths=(60,) * 3)
    model = dl.models.NeuralODE.from_data(ds, hidden=0, memory=1, width=8, key=0)
    method = dl.fitting.Gradient(steps=150, batch=16, horizon=5, learning_rate=1e-2)

    def error(objective):
        fitted = dl.fit(model, ds, method=method, objective=objective, progress=False).model
        windows = Examples.of(fitted, ds, 5, "train").spread(64)
        return float(locally_regularized(fitted, windows, jax.random.key(1))[1]["local_error"])

    def strong(model, batch, key):
        return locally_regularized(model, batch, key, weight=1e4)

    assert error(strong) < 0.5 * error("multi_step")


@pytest.mark.slow
def test_it_has_a_finite_gradient_where_windows_are_padded(node):
    """Padding makes intervals of no length, over which there is no error to take a root of."""
    model, batch = node
    padded = eqx.tree_at(lambda w: w.interval, batch, batch.interval * 0)
    loss = lambda m: locally_regularized(m, padded, jax.random.key(0))[0]  # noqa: E731
    gradient = jax.tree.leaves(eqx.filter_grad(loss)(model))
    assert all(np.isfinite(leaf).all() for leaf in gradient)


def test_a_discrete_model_is_refused(linear):
    model = dl.models.NeuralMap.from_data(linear, hidden=0, memory=1, width=8)
    with pytest.raises(dl.errors.ArgumentError, match=r"expected a continuous-time model, got NeuralMap"):
        dl.fit(model, linear, objective="locally_regularized", progress=False)
    assert jnp.isfinite(
        multi_step(model, Examples.of(model, linear, 4, "train").spread(4), jax.random.key(0))[0]
    )
