"""Regressions that take turns: which of several linear laws holds when, by EM from many starts."""

from typing import NamedTuple, Self

import cuthbert
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from cuthbert import discrete
from cuthbertlib.discrete.smoothing import get_reverse_kernel
from jaxtyping import Array, Bool, Float

from dynlearn.numerics.precision import compiled

RIDGE = 1e-3
FLOOR = 1e-2
"""Standard deviation of a residual, at least; targets have a spread of about 1."""
LOUDEST = 50.0
"""Nats that one row may speak against a regime: an outlier must not rule the others out for good."""
SAME = 2e-3
"""Relative difference of two log-likelihoods, below which two starts are taken to have found the same."""
STAY, MOVE = 10.0, 0.5
"""Transitions that the prior has seen, of each regime to itself and to each other one."""


class Rows(NamedTuple):
    """Row k of every run is what the law of row k connects; invalid rows only after a run's last valid one."""

    regressors: Float[Array, "run time regressor"]
    targets: Float[Array, "run time target"]
    valid: Bool[Array, "run time"]


class Laws(eqx.Module):
    """targets ~ N(regressors W_z, L_z L_z^T), z a Markov chain with log-probabilities `log_move`."""

    W: Float[Array, "regime regressor target"]
    L: Float[Array, "regime target target"]
    log_move: Float[Array, "regime regime"]

    @classmethod
    def of(
        cls, W: Float[np.ndarray, "regime regressor target"], L: Float[np.ndarray, "target target"]
    ) -> Self:
        """All with the same spread, staying 19 times out of 20."""
        K = len(W)
        move = np.full((K, K), 0.05 / max(K - 1, 1))
        np.fill_diagonal(move, 0.95 if K > 1 else 1.0)
        return cls(jnp.asarray(W), jnp.asarray(np.tile(L, (K, 1, 1))), jnp.log(jnp.asarray(move)))


class Found(NamedTuple):
    laws: Laws
    weight: Float[Array, "*start run time regime"]
    """Probability of each regime at each row, given all rows of the run."""
    log_likelihood: Float[Array, "*start"]


def mixtures(
    rows: Rows, regimes: int, rng: np.random.Generator, *, keep: int = 1, restarts: int = 12, steps: int = 30
) -> list[Found]:
    r"""Hidden Markov models over linear regressions: the likeliest of `restarts` local optima, best first.

    Each start takes the first law from a stretch of rows at random and every further one from a stretch
    that those before explain badly (drawn in proportion to their error, as in k-means++). At most
    `keep` of them come back, those that found the same once. In float64.

    References: Hamilton, "A new approach to the economic analysis of nonstationary time series", 1989;
    Arthur, Vassilvitskii, "k-means++", 2007.
    """
    starts = [_start(rows, regimes, rng) for _ in range(restarts if regimes > 1 else 1)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *starts)
    found = _improved(stacked, rows, steps)
    likelihood = np.asarray(found.log_likelihood)
    order = np.argsort(np.where(np.isfinite(likelihood), -likelihood, np.inf), kind="stable")
    chosen: list[int] = []
    for i in map(int, order):
        if all(abs(likelihood[i] - likelihood[j]) > SAME * abs(likelihood[j]) for j in chosen):
            chosen.append(i)
    return [jax.tree.map(lambda leaf, i=i: leaf[i], found) for i in chosen[:keep]]


@compiled
def _improved(starts: Laws, rows: Rows, steps: int) -> Found:
    """EM from every start side by side."""

    def one(laws: Laws) -> Found:
        laws = jax.lax.fori_loop(0, steps, lambda _, laws: _maximised(_expected(laws, rows), rows), laws)
        weight, _, log_likelihood = _expected(laws, rows)
        return Found(laws, weight, log_likelihood)

    return jax.vmap(one)(starts)


def _expected(laws: Laws, rows: Rows) -> tuple[Array, Array, Array]:
    """Smoothed probabilities, expected counts of transitions, log-likelihood: over all runs."""
    residual = rows.targets[:, :, None] - jnp.einsum("str,krp->stkp", rows.regressors, laws.W)
    white = jax.vmap(
        lambda L, r: jax.scipy.linalg.solve_triangular(L, r.reshape(-1, r.shape[-1]).T, lower=True)
    )
    z = white(laws.L, jnp.moveaxis(residual, 2, 0)).reshape(laws.L.shape[0], -1, *rows.valid.shape)
    scale = jnp.log(jnp.abs(jnp.diagonal(laws.L, axis1=1, axis2=2))).sum(1)
    log_p = -0.5 * jnp.moveaxis((z**2).sum(1), 0, -1) - scale - 0.5 * z.shape[1] * jnp.log(2 * jnp.pi)
    log_p = jnp.where(rows.valid[..., None], log_p, 0)
    weight, counts, likelihood = jax.vmap(lambda p, v: _smoothed(laws.log_move, p, v))(log_p, rows.valid)
    return jnp.where(rows.valid[..., None], weight, 0), counts.sum(0), likelihood.sum()


def _smoothed(log_move: Array, log_p: Array, valid: Array) -> tuple[Array, Array, Array]:
    """Forward and backward over one run, both in parallel over time."""
    moved = jnp.concatenate([jnp.zeros(1, bool), valid[1:]])
    matrices = jnp.where(moved[:, None, None], jnp.exp(log_move), jnp.eye(log_move.shape[0]))
    inputs = matrices, jnp.maximum(log_p, log_p.max(-1, keepdims=True) - LOUDEST)
    start = jnp.full(log_move.shape[0], 1 / log_move.shape[0])
    forward = discrete.build_filter(start, lambda row: row[0], lambda row: row[1])
    found = cuthbert.filter(forward, inputs, forward.init_prepare(), parallel=True)
    backward = discrete.build_smoother(lambda row: row[0])
    weight = cuthbert.smoother(backward, found, inputs, parallel=True).dist
    # Each row of a filtered state, the prior included, is for one beginning; all of them begin alike.
    reverse = jax.vmap(get_reverse_kernel)(found.dist[1:-1], matrices[1:])
    pairs = jnp.where(moved[1:, None, None], weight[2:, :, None] * reverse, 0)
    return weight[1:], pairs.sum(0).T, found.log_normalizing_constant[-1]


def _maximised(expected: tuple[Array, Array, Array], rows: Rows) -> Laws:
    weight, counts, _ = expected
    Phi = rows.regressors
    weighted = weight[..., None] * Phi[:, :, None]
    gram = jnp.einsum("stkr,stq->krq", weighted, Phi) + RIDGE * jnp.eye(Phi.shape[-1])
    cross = jnp.einsum("stkr,stp->krp", weighted, rows.targets)
    W = jnp.linalg.solve(gram, cross)
    residual = rows.targets[:, :, None] - jnp.einsum("str,krp->stkp", Phi, W)
    square = jnp.einsum("stkp,stkq->kpq", weight[..., None] * residual, residual)
    total = weight.sum((0, 1))[:, None, None] + 1
    eye = jnp.eye(square.shape[-1])
    # One residual of the size of the targets' spread keeps a regime with few rows from a spike.
    covariance = (square + eye) / total + FLOOR**2 * eye
    K = counts.shape[0]
    counts = counts + MOVE + (STAY - MOVE) * jnp.eye(K)
    log_move = jnp.log(counts / counts.sum(1, keepdims=True))
    return Laws(W, jnp.linalg.cholesky(covariance), log_move)


def _start(rows: Rows, regimes: int, rng: np.random.Generator) -> Laws:
    Phi, targets = np.asarray(rows.regressors), np.asarray(rows.targets)
    run, time = np.nonzero(np.asarray(rows.valid))
    r = Phi.shape[-1]
    stretch = max(3 * r, 12)
    error = np.ones(len(run))
    found: list[np.ndarray] = []
    for _ in range(regimes):
        k = rng.choice(len(run), p=error / error.sum())
        near = (run == run[k]) & (np.abs(time - time[k]) <= stretch // 2)
        X, Y = Phi[run[near], time[near]], targets[run[near], time[near]]
        found.append(np.linalg.solve(X.T @ X + 1e-2 * np.eye(r), X.T @ Y))
        each = [((targets[run, time] - Phi[run, time] @ W) ** 2).sum(1) for W in found]
        error = np.minimum.reduce(each) + 1e-12
    spread = np.sqrt(np.mean(np.minimum(error, np.quantile(error, 0.9)))) + FLOOR
    return Laws.of(np.stack(found), spread * np.eye(targets.shape[-1]))
