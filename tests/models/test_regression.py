"""Closed forms against the textbook, and against the truth."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.identification.ridge import Regression
from dynlearn.models import Scaling
from dynlearn.models.koopman.koopman import KoopmanState
from dynlearn.models.regression.arx import _akaike
from dynlearn.numerics import precision
from dynlearn.parts.liftings import embedding
from dynlearn.parts.liftings.delay_coordinates import Delays
from dynlearn.parts.liftings.polynomial import Polynomial

A = np.array([[0.9, 0.3, 0.0], [-0.3, 0.8, 0.1], [0.0, 0.1, 0.7]])
B = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, -0.5]])


def runs(lengths=(60, 41, 80), gaps=0.0, mean=0.0, seed=0):
    """x+ = A x + B u without noise, the whole state measured, around `mean`."""
    rng = np.random.default_rng(seed)
    outputs, controls = [], []
    for n in lengths:
        x, u = np.empty((n, 3)), rng.normal(size=(n, 2))
        x[0] = rng.normal(size=3)
        for k in range(n - 1):
            x[k + 1] = A @ x[k] + B @ u[k]
        y = mean + x
        outputs.append(np.where(rng.random(y.shape) < gaps, np.nan, y))
        controls.append(u - mean)
    return dl.from_arrays(outputs, controls, dt=0.1)


def sorted_eigenvalues(matrix):
    values = np.linalg.eigvals(matrix)
    return values[np.lexsort((values.imag, values.real))]


@pytest.mark.parametrize("double", [True, False], ids=["float64", "float32 session"])
@pytest.mark.parametrize("mean", [0.0, 5.0], ids=["centred", "offset"])
@pytest.mark.parametrize("gaps", [0.0, 0.15], ids=["full", "gappy"])
def test_edmd_with_control_recovers_the_spectrum(double, mean, gaps):
    ds = runs(gaps=gaps, mean=mean)
    with jax.enable_x64(double):
        model = dl.models.Koopman.from_data(ds, lifting="identity", key=0)
        fitted = dl.fit(model, ds, progress=False).model
        for m in (model, fitted):
            found = m.eigenvalues()
            np.testing.assert_allclose(
                found[np.lexsort((found.imag, found.real))], sorted_eigenvalues(A), atol=1e-6
            )
    s = np.asarray(fitted.scaling.output_scale)
    c = np.asarray(fitted.scaling.control_scale)
    np.testing.assert_allclose(np.asarray(fitted.B) * s[:, None] / c, B, atol=2e-5)


def test_rates_are_those_of_continuous_time():
    system = dl.datasets.Linear([[-0.5, 2.0], [-2.0, -0.5]])
    with jax.enable_x64(True):
        ds = system.simulate(runs=3, length=60, dt=0.1, key=0)
        model = dl.models.Koopman.from_data(ds, lifting="identity")
        np.testing.assert_allclose(sorted(model.rates().imag), [-2.0, 2.0], rtol=1e-5)
        np.testing.assert_allclose(model.rates().real, -0.5, rtol=1e-5)


def textbook(ds, delays: int) -> np.ndarray:
    """Regressors [y_k .. y_{k-d}, u_{k-1} .. u_{k-d}, u_k, 1] and targets, row by row; numpy's lstsq."""
    rows, targets = [], []
    for i in range(ds.sizes["trajectory"]):
        y, u = ds["output"].values[i], ds["control"].values[i]
        n = int(np.isfinite(ds["t"].values[i]).sum()) if ds["t"].ndim == 2 else len(y)
        for k in range(delays, n - 1):
            past = [y[k - j] for j in range(delays + 1)] + [u[k - j] for j in range(1, delays + 1)]
            row = np.concatenate([*past, u[k], [1.0]])
            if np.isfinite(row).all() and np.isfinite(y[k + 1]).all():
                rows.append(row)
                targets.append(y[k + 1])
    return np.linalg.lstsq(np.array(rows), np.array(targets), rcond=None)[0].T


def physical(model, weights: np.ndarray, delays: int) -> np.ndarray:
    """Weights on scaled regressors as weights on physical ones."""
    s = model.scaling
    ys, us = np.asarray(s.output_scale), np.asarray(s.control_scale)
    scale = np.concatenate([np.tile(ys, delays + 1), np.tile(us, delays), us])
    centre = np.concatenate(
        [np.tile(s.output_mean, delays + 1), np.tile(s.control_mean, delays), s.control_mean]
    )
    slope = ys[:, None] * weights[:, :-1] / scale
    offset = ys * weights[:, -1] + np.asarray(s.output_mean) - slope @ centre
    return np.column_stack([slope, offset])


@pytest.mark.parametrize("delays", [0, 2])
def test_arx_and_delay_koopman_are_the_textbook_regression(delays, make_linear):
    with jax.enable_x64(True):
        ds = make_linear(lengths=(30, 24, 18), noise=0.1)
        ds["output"][1, 7, 0] = np.nan
        expected = textbook(ds, delays)
        arx = dl.models.ARX.from_data(ds, delays=delays, ridge=0.0)
        np.testing.assert_allclose(physical(arx, np.asarray(arx.weights), delays), expected, atol=1e-8)
        koopman = dl.models.Koopman.from_data(ds, lifting=Delays(delays))
        weights = np.concatenate([koopman.A[:2], koopman.B[:2], koopman.c[:2, None]], axis=1)
        np.testing.assert_allclose(physical(koopman, weights, delays), expected, atol=1e-8)


def test_a_ridge_is_a_penalty_per_sample_that_spares_the_offset():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)) + 2.0, rng.normal(size=(40, 2))
    found = Regression(x, y).solve(0.3)
    augmented = np.vstack([np.column_stack([x, np.ones(40)]), np.sqrt(0.3 * 40) * np.eye(3, 4)])
    expected = np.linalg.lstsq(augmented, np.vstack([y, np.zeros((3, 2))]), rcond=None)[0]
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize(("variables", "degree"), [(1, 2), (2, 3), (3, 4)])
def test_monomials_against_brute_force(variables, degree):
    v = np.random.default_rng(0).normal(size=variables)
    exponents = np.stack(np.meshgrid(*[range(degree + 1)] * variables, indexing="ij"), -1).reshape(
        -1, variables
    )
    wanted = exponents[(exponents.sum(1) >= 2) & (exponents.sum(1) <= degree)]
    found = np.asarray(Polynomial(degree).features(jnp.asarray(v)))
    np.testing.assert_allclose(np.sort(found), np.sort(np.prod(v**wanted, axis=1)), rtol=1e-5)


def test_arx_chooses_the_order_of_the_truth():
    """y+ = 1.5 y - 0.7 y_- + e needs one delay beside the present value."""
    rng = np.random.default_rng(0)
    y = np.zeros(600)
    for k in range(1, 599):
        y[k + 1] = 1.5 * y[k] - 0.7 * y[k - 1] + rng.normal()
    assert dl.models.ARX.from_data(dl.from_arrays(y, dt=1.0)).delays == 1


def test_akaikes_criterion_is_that_of_the_textbook():
    """log of the mean square residual + 2 (coefficients and offset) / transitions."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=40).cumsum()
    with precision.float64():
        runs = dl.from_arrays(y, dt=1.0).dyn.to_device()
        found, weights = _akaike(runs, Scaling.unit(1), 1, 0.0)
    X = np.stack([y[1:-1], y[:-2], np.ones(38)], axis=1)
    expected, *_ = np.linalg.lstsq(X, y[2:], rcond=None)
    np.testing.assert_allclose(weights[:, 0], expected, rtol=1e-8)
    assert found == pytest.approx(np.log(np.mean((y[2:] - X @ expected) ** 2)) + 2 * 3 / 38, rel=1e-8)


@pytest.mark.parametrize("delays", [0, 1, 3])
def test_a_delay_vector_holds_the_newest_first(delays):
    """[y_k, y_{k-1}, ..., u_{k-1}, u_{k-2}, ...]: by shifts, read off a past, and of every transition."""
    rng = np.random.default_rng(0)
    y, u = rng.normal(size=(8, 2)), rng.normal(size=(8, 1))

    def vector(k):
        rows = [y[k - d] for d in range(delays + 1)] + [u[k - d] for d in range(1, delays + 1)]
        return np.concatenate(rows)

    v = jnp.asarray(vector(delays))
    for k in range(delays, 7):
        v = embedding.shift(v, jnp.asarray(y[k + 1]), jnp.asarray(u[k]), delays)
        np.testing.assert_allclose(v, vector(k + 1), rtol=1e-6)
    runs = dl.from_arrays(y, u, dt=1.0).dyn.to_device()
    past = jax.tree.map(lambda leaf: leaf[0], runs)
    embedded = embedding.embed(past, Scaling.unit(2, 1), delays, lambda v, u: v[:2])
    np.testing.assert_allclose(embedded, vector(7), rtol=1e-6)
    here, control, after = embedding.Transitions(runs, Scaling.unit(2, 1), delays)[:]
    assert len(here) == len(after) == len(control) == 7 - delays
    for i, k in enumerate(range(delays, 7)):
        np.testing.assert_allclose(here[i], vector(k), rtol=1e-6)
        np.testing.assert_allclose(after[i], vector(k + 1), rtol=1e-6)
        np.testing.assert_allclose(control[i], u[k], rtol=1e-6)


def test_a_koopman_step_is_affine_in_scaled_lifted_coordinates():
    """z' = A z + B u + c, y = mean + scale z', u scaled by its own mean and deviation."""
    rng, ds = np.random.default_rng(0), runs(mean=5.0)
    model = dl.models.Koopman.from_data(ds, lifting="identity")
    matrices = rng.normal(size=(3, 3)), rng.normal(size=(3, 2)), rng.normal(size=3)
    model = eqx.tree_at(lambda m: (m.A, m.B, m.c), model, tuple(map(jnp.asarray, matrices)))
    y, u = ds["output"].values, ds["control"].values
    scaled = (y[0, 4] - np.nanmean(y, (0, 1))) / np.nanstd(y, (0, 1))
    driven = (u[0, 4] - np.nanmean(u, (0, 1))) / np.nanstd(u, (0, 1))
    state = KoopmanState(jnp.asarray(scaled, jnp.float32), model.noise.start())
    after = model.step(state, jnp.asarray(u[0, 4]), jnp.zeros(()), jnp.ones(()))
    wanted = matrices[0] @ scaled + matrices[1] @ driven + matrices[2]
    np.testing.assert_allclose(after.z, wanted, rtol=1e-3, atol=1e-4)
    found = model.observe(after, jnp.zeros(2)).mean
    np.testing.assert_allclose(found, np.nanmean(y, (0, 1)) + np.nanstd(y, (0, 1)) * wanted, rtol=1e-3)
