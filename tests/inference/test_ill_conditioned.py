"""Hard numbers: noise near zero, wide priors, constant states, long runs; in float64 and float32."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.contract.linear_gaussian import chain
from dynlearn.filtering.kalman.recursions import draw_paths, run_filter, run_smoother
from dynlearn.models import LinearStateSpace, Signature
from dynlearn.numerics import precision

STATES, OUTPUTS, TIME = 3, 2, 40


def problem(rng: np.random.Generator, dtype) -> dict[str, np.ndarray]:
    """A chain whose scales lie up to 8 (float32: 3) orders apart, some of them exactly zero."""
    orders = 8.0 if dtype == np.float64 else 3.0

    def factor(n):
        scales = 10 ** rng.uniform(-orders, 0, n) * (rng.random(n) > 0.2)
        return np.linalg.qr(rng.normal(size=(n, n)))[0] * scales

    F = rng.normal(size=(STATES, STATES))
    F = F * rng.uniform(0.1, 1.0) / np.abs(np.linalg.eigvals(F)).max()
    chol_R = np.tril(factor(OUTPUTS)) + 10 ** rng.uniform(-orders, 0) * np.eye(OUTPUTS)
    wide = factor(STATES) * 10 ** rng.uniform(0, orders / 2)
    F = np.tile(F, (TIME, 1, 1))
    F[0] = 0
    moves = rng.random(TIME) > 0.1
    y = rng.normal(size=(TIME, OUTPUTS))
    y[rng.random(y.shape) < 0.3] = np.nan
    found = {
        "F": F,
        "c": rng.normal(size=(TIME, STATES)),
        "chol_Q": np.concatenate([wide[None], np.tile(factor(STATES), (TIME - 1, 1, 1))]),
        "H": np.tile(rng.normal(size=(OUTPUTS, STATES)), (TIME, 1, 1)),
        "d": np.zeros((TIME, OUTPUTS)),
        "chol_R": np.tile(chol_R, (TIME, 1, 1)),
        "y": y,
    }
    return {name: np.asarray(value, dtype) for name, value in found.items()} | {"moves": moves}


@eqx.filter_jit
def solved(batch, key):
    from dynlearn.filtering.kalman.chain import Chain

    def one(rows):
        run = Chain(**{k: v for k, v in rows.items() if k != "moves"}).padded(rows["moves"])
        found = run_filter(run)
        back = run_smoother(run, found)
        return found, back.smoothed, draw_paths(run, found, 2, key)

    return jax.vmap(one)(batch)


def check(count: int, dtype, seed: int) -> None:
    rng = np.random.default_rng(seed)
    problems = [problem(rng, dtype) for _ in range(count)]
    batch = {name: np.stack([p[name] for p in problems]) for name in problems[0]}
    found, smoothed, draws = jax.tree.map(
        np.asarray, solved(jax.tree.map(jnp.asarray, batch), jax.random.key(0))
    )
    assert found.filtered.mean.dtype == dtype
    for leaf in jax.tree.leaves((found, smoothed, draws)):
        assert np.isfinite(leaf).all()

    # Knowing more never widens a marginal: filtered <= predicted, smoothed <= filtered, up to rounding.
    def spread(beliefs):
        return np.linalg.norm(beliefs.chol, axis=-1)

    slack = (1e-6 if dtype == np.float64 else 2e-2) * spread(found.predicted).max((1, 2), keepdims=True)
    assert (spread(found.filtered) <= spread(found.predicted) + slack).all()
    assert (spread(smoothed) <= spread(found.filtered) + slack).all()


def test_a_few_hundred_hard_problems():
    with precision.float64():
        check(200, np.float64, 0)
    check(200, np.float32, 1)


@pytest.mark.slow
def test_ten_thousand_hard_problems():
    for seed in range(10):
        with precision.float64():
            check(500, np.float64, 10 + seed)
        check(500, np.float32, 100 + seed)


def constant(T: int) -> tuple[LinearStateSpace, object]:
    """A constant, an integrator without noise, and an output measured almost exactly."""
    M = {
        "A": [[1.0, 0.1, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        "C": [[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]],
        "Q": np.diag([0.0, 1e-12, 0.0]),
        "R": np.diag([1e-14, 1.0]),
        "P0": np.diag([1e6, 1e6, 0.0]),
    }
    model = LinearStateSpace.from_matrices(Signature(("a", "b"), interval=0.1), M)
    t = 0.1 * np.arange(T)
    ds = dl.from_arrays(np.stack([np.sin(1e-4 * t), 0 * t], 1), dt=0.1, output_names=["a", "b"])
    return model, ds


@pytest.mark.parametrize("T", [200, pytest.param(5000, marks=pytest.mark.slow)])
def test_states_that_are_known_exactly(T):
    model, ds = constant(T)
    for found in (dl.filter(model, ds), dl.smooth(model, ds, samples=2)):
        assert not any(found[name].isnull().any() for name in found.data_vars)
        assert (found["state_scale"].isel(state_name=2) < 1e-9).all()
    smoothed = dl.smooth(model, ds)
    np.testing.assert_allclose(smoothed["state_mean"][0, :, 0], ds["output"][0, :, 0], atol=1e-5)


def test_gradients_are_finite_where_covariances_are_singular():
    model, ds = constant(30)
    runs = ds.dyn.to_device()

    @eqx.filter_jit
    @eqx.filter_grad
    def slope(model):
        return jax.vmap(lambda run: run_filter(chain(model, run)).log_density.sum())(runs).sum()

    leaves = jax.tree.leaves(eqx.filter(slope(model).system, eqx.is_array))
    assert all(np.isfinite(leaf).all() for leaf in leaves)
