"""The forward pass against cuthbert's, derivatives against textbook covariances, and what both are made of."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cuthbertlib import kalman as reference

from dynlearn.filtering.kalman.chain import Chain
from dynlearn.filtering.kalman.recursions import condition, predict, run_filter
from dynlearn.numerics import precision
from dynlearn.numerics.linear.triangular import inverse, tria

TIME = 5


@pytest.fixture(autouse=True)
def _float64():
    with precision.float64():
        yield


def matrix(n: int, m: int, rank: int, seed: int) -> np.ndarray:
    """Rows of sizes up to eight orders apart, and a row of zeros at the end if `rank` leaves room."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, rank)) @ rng.normal(size=(rank, m)) * 10.0 ** rng.integers(-8, 1, (n, 1))
    A[-1] *= rank == n
    return A


SHAPES = [(1, 1, 1), (3, 7, 3), (6, 4, 4), (5, 9, 2), (8, 8, 8), (9, 20, 9), (12, 20, 7)]


@pytest.mark.parametrize(("n", "m", "rank"), SHAPES)
def test_a_factor_is_triangular_and_has_the_same_square_row_by_row(n, m, rank):
    A = matrix(n, m, rank, 0)
    L = np.asarray(jax.jit(tria)(A))
    assert (np.triu(L, 1) == 0).all()
    assert (np.diagonal(L) >= 0).all()
    size = np.linalg.norm(A, axis=1)
    np.testing.assert_allclose(L @ L.T, A @ A.T, rtol=0, atol=1e-14 * n * np.outer(size, size).max())
    scale = np.where(size == 0, 1, size)
    np.testing.assert_allclose(L @ L.T / np.outer(scale, scale), A @ A.T / np.outer(scale, scale), atol=1e-13)


@pytest.mark.parametrize("n", [4, 11])
def test_a_row_of_zeros_gives_a_row_and_a_column_of_zeros(n):
    A = matrix(n, 2 * n, n, 1)
    A[2] = 0
    L = np.asarray(tria(A))
    assert (L[2] == 0).all()
    assert (L[:, 2] == 0).all()
    keep = np.arange(n) != 2
    np.testing.assert_allclose((inverse(L) @ L)[np.ix_(keep, keep)], np.eye(n - 1), atol=1e-12)
    assert (np.asarray(inverse(L))[2] == 0).all()


@pytest.mark.parametrize(("n", "m", "rank"), SHAPES)
def test_the_derivative_of_the_square_is_exact_whatever_the_rank(n, m, rank):
    A, dA = matrix(n, m, rank, 2), np.random.default_rng(3).normal(size=(n, m))
    A /= np.where(np.linalg.norm(A, axis=1) == 0, 1, np.linalg.norm(A, axis=1))[:, None]
    _, found = jax.jvp(lambda A: tria(A) @ tria(A).T, (A,), (dA,))
    np.testing.assert_allclose(found, dA @ A.T + A @ dA.T, atol=1e-10)


def test_derivatives_are_those_of_cholesky_where_that_exists():
    A, dA = matrix(4, 9, 4, 4), np.random.default_rng(5).normal(size=(4, 9))
    A /= np.linalg.norm(A, axis=1)[:, None]

    def of(factor):
        return lambda s: (factor(A + s * dA) * np.arange(16.0).reshape(4, 4)).sum()

    ours, theirs = of(tria), of(lambda A: jnp.linalg.cholesky(A @ A.T))
    for derivative in (jax.grad, jax.jacfwd, jax.hessian):
        np.testing.assert_allclose(derivative(ours)(0.0), derivative(theirs)(0.0), rtol=1e-9)


def system(n: int, p: int, *, singular: bool = False, missing: float = 0.3) -> Chain:
    rng = np.random.default_rng(n)
    F = rng.normal(size=(TIME, n, n)) / np.sqrt(n)
    F[0] = 0
    chol_Q = rng.normal(size=(TIME, n, n)) / np.sqrt(n)
    if singular:
        # One state known from the start, and no noise anywhere but in the first state.
        chol_Q[0, -1] = chol_Q[1:, 1:] = 0
    y = rng.normal(size=(TIME, p))
    y[rng.random(y.shape) < missing] = np.nan
    chol_R = np.tril(rng.normal(size=(TIME, p, p))) + np.eye(p)
    rest = rng.normal(size=(TIME, n)), chol_Q, rng.normal(size=(TIME, p, n)), rng.normal(size=(TIME, p))
    return jax.tree.map(jnp.asarray, Chain(F, *rest, chol_R, y))


@pytest.mark.parametrize(("n", "p"), [(1, 1), (3, 2), (2, 4), (8, 3)])
def test_the_filter_is_cuthberts(n, p):
    chain = system(n, p)
    found = jax.jit(run_filter)(chain)
    m, chol = chain.c[0], chain.chol_Q[0]
    for k in range(TIME):
        if k:
            m, chol = reference.predict(m, chol, chain.F[k], chain.c[k], chain.chol_Q[k])
        np.testing.assert_allclose(found.predicted.mean[k], m, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(square(found.predicted.chol[k]), square(chol), rtol=1e-10, atol=1e-10)
        (m, chol), density = reference.filter_update(
            m, chol, chain.H[k], chain.d[k], chain.chol_R[k], chain.y[k]
        )
        np.testing.assert_allclose(found.filtered.mean[k], m, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(square(found.filtered.chol[k]), square(chol), rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(found.log_density[k], density, rtol=1e-10, atol=1e-10)


def square(L):
    return L @ L.T


def test_predict_and_condition_are_cuthberts_with_wide_factors():
    rng = np.random.default_rng(0)
    m, chol, F, c, chol_Q = (rng.normal(size=s) for s in ((3,), (3, 3), (3, 3), (3,), (3, 5)))
    ours, theirs = predict(m, chol, F, c, chol_Q), reference.predict(m, chol, F, c, chol_Q)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-12)
    np.testing.assert_allclose(square(ours[1]), square(theirs[1]), rtol=1e-12)
    H, d, y = rng.normal(size=(2, 3)), rng.normal(size=2), np.array([np.nan, 0.5])
    chol_R = np.tril(rng.normal(size=(2, 2)))
    mean, factor, density = condition(m, chol, H, d, chol_R, y)
    (mean_, factor_), density_ = reference.filter_update(m, chol, H, d, chol_R, y)
    np.testing.assert_allclose(mean, mean_, rtol=1e-12)
    np.testing.assert_allclose(square(factor), square(factor_), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(density, density_, rtol=1e-12)


def textbook(chain: Chain, observed: np.ndarray) -> jax.Array:
    """The log-likelihood by covariances and inverses, to be differentiated as it stands."""
    m, P, total = chain.c[0], chain.chol_Q[0] @ chain.chol_Q[0].T, 0.0
    for k in range(TIME):
        if k:
            m, P = chain.F[k] @ m + chain.c[k], chain.F[k] @ P @ chain.F[k].T + square(chain.chol_Q[k])
        o = np.flatnonzero(observed[k])
        if len(o):
            H = chain.H[k][o]
            S = H @ P @ H.T + square(chain.chol_R[k])[np.ix_(o, o)]
            r = chain.y[k][o] - chain.d[k][o] - H @ m
            K = jnp.linalg.solve(S, H @ P).T
            m, P = m + K @ r, P - K @ H @ P
            total -= 0.5 * (r @ jnp.linalg.solve(S, r) + jnp.linalg.slogdet(2 * jnp.pi * S)[1])
    return total


@pytest.mark.parametrize("singular", [pytest.param(False, marks=pytest.mark.slow), True])
def test_derivatives_are_those_of_the_textbook_also_where_covariances_are_singular(singular):
    chain = system(2, 2, singular=singular)
    observed = np.isfinite(chain.y)
    rng = np.random.default_rng(9)
    change = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape)), chain)
    # Row 0 of F is zero by definition.
    change = eqx.tree_at(lambda c: c.F, change, change.F.at[0].set(0))

    def along(density, s):
        return density(jax.tree.map(lambda a, b: a + s * b, chain, change))

    def ours(s):
        return along(lambda c: run_filter(c).log_density.sum(), s)

    def theirs(s):
        return along(lambda c: textbook(c, observed), s)

    for derivative in (jax.grad, jax.jacfwd, jax.hessian):
        np.testing.assert_allclose(
            jax.jit(derivative(ours))(0.0),
            jax.jit(derivative(theirs))(0.0),
            rtol=1e-8,
            err_msg=str(derivative),
        )

    weight = rng.normal(size=TIME)
    slope = jax.jit(jax.grad(lambda s: along(lambda c: run_filter(c).log_density, s) @ weight))(0.0)
    h = 1e-6
    ahead, behind = (along(lambda c: run_filter(c).log_density, s) @ weight for s in (h, -h))
    np.testing.assert_allclose(slope, (ahead - behind) / (2 * h), rtol=1e-6)


@pytest.mark.slow
def test_beliefs_are_differentiable_where_covariances_are_singular():
    chain = system(3, 2, singular=True)

    def total(s):
        moved = jax.tree.map(lambda a: a * (1 + s), eqx.tree_at(lambda c: c.y, chain, jnp.zeros(())))
        found = run_filter(eqx.tree_at(lambda c: c.y, moved, chain.y)).filtered
        return found.mean.sum() + jax.vmap(square)(found.chol).sum()

    h = 1e-6
    np.testing.assert_allclose(jax.jit(jax.grad(total))(0.0), (total(h) - total(-h)) / (2 * h), rtol=1e-5)


def test_runs_of_one_model_that_miss_the_same_share_their_covariances():
    chain = system(3, 2)
    observed = np.isfinite(chain.y)
    runs = jnp.asarray(np.random.default_rng(0).normal(size=(4, *chain.y.shape)))

    def filtered(y, observed=None):
        return run_filter(eqx.tree_at(lambda c: c.y, chain, y), observed=observed)

    # out_axes=None is refused where what comes out differs from run to run.
    shared = jax.jit(jax.vmap(lambda y: filtered(y, observed).predicted.chol, out_axes=None))(runs)
    with pytest.raises(ValueError, match="out_axes"):
        jax.eval_shape(jax.vmap(lambda y: filtered(y).predicted.chol, out_axes=None), runs)
    each = jax.jit(jax.vmap(filtered))(jnp.where(observed, runs, jnp.nan))
    for chol in each.predicted.chol:
        np.testing.assert_allclose(chol, shared, atol=1e-12)
    together = jax.jit(jax.vmap(lambda y: filtered(y, observed).log_density))(runs)
    np.testing.assert_allclose(together, each.log_density, rtol=1e-12)
    one = eqx.tree_at(lambda c: c.y, chain, runs[0])
    parallel = jax.jit(lambda c: run_filter(c, parallel=True, observed=observed).log_density)(one)
    np.testing.assert_allclose(parallel, each.log_density[0], rtol=1e-8)


def test_nothing_measured_is_the_prior_carried_forward():
    chain = system(2, 1, missing=1.1)
    found = jax.jit(run_filter)(chain)
    assert (found.log_density == 0).all()
    np.testing.assert_allclose(found.filtered.mean, found.predicted.mean)
    np.testing.assert_allclose(jax.vmap(square)(found.filtered.chol), jax.vmap(square)(found.predicted.chol))


def test_padding_is_no_transition_for_methods_that_add_to_one():
    moves = jnp.array([True, False, False, True, True])
    general = jax.jit(lambda c: c.padded(moves).general().moves)(system(3, 2))
    np.testing.assert_array_equal(general, [False, False, False, True, True])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_factor_is_as_good_for_the_smallest_numbers(dtype):
    """Rows whose squares the type cannot hold: a state that contracts without noise gets there."""
    A = matrix(5, 9, 3, 7) / np.linalg.norm(matrix(5, 9, 3, 7), axis=1).clip(1e-300)[:, None]
    size = float(np.finfo(dtype).tiny) ** 0.75
    small = np.asarray(tria(jnp.asarray(size * A, dtype)), np.float64) / size
    np.testing.assert_allclose(small @ small.T, A @ A.T, atol=40 * np.finfo(dtype).eps)
