"""Switching linear Gaussian inference: exact against the joint of every path, approximate against exact."""

import dataclasses
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from jax.flatten_util import ravel_pytree

from dynlearn.errors import ArgumentError
from dynlearn.filtering.kalman.chain import Chain
from dynlearn.filtering.methods.collapsed import Collapsed
from dynlearn.filtering.methods.enumerated import Enumerated
from dynlearn.filtering.methods.exact import Exact
from dynlearn.filtering.processes.switches import Markov, StateDependent
from dynlearn.filtering.processes.switching import SwitchingChain
from dynlearn.numerics import precision

KEY = jax.random.key(0)
N, P = 2, 2


def factor(rng: np.random.Generator, n: int, scale: float) -> np.ndarray:
    return scale * np.tril(rng.normal(size=(n, n)) / 2 + np.eye(n))


def problem(
    seed: int, T: int, K: int = 2, pad: tuple[int, int] = (0, 0), missing: float = 0.3, stay: float = 2.0
) -> SwitchingChain:
    """A random switching chain with `pad` samples of padding before and after, outputs missing at random."""
    rng = np.random.default_rng(seed)
    F = rng.normal(size=(K, N, N))
    F *= 0.9 / np.abs(np.linalg.eigvals(F)).max(-1)[:, None, None]
    logits = stay * np.eye(K) + rng.normal(size=(K, K)) / 3
    c = 2 * rng.normal(size=(K, N)) + 0.3 * rng.normal(size=(T, K, N))
    chol_Q = np.tile(np.stack([factor(rng, N, 0.3) for _ in range(K)]), (T, 1, 1, 1))
    chol_Q[0] *= 4
    H, d = rng.normal(size=(K, P, N)), rng.normal(size=(K, P))
    R = np.stack([factor(rng, P, 0.4) for _ in range(K)])
    moves = np.zeros(T, bool)
    moves[pad[0] + 1 : T - pad[1]] = True
    F = np.tile(F, (T, 1, 1, 1))
    F[0] = 0
    log_start, z, x, y = rng.normal(size=K), 0, np.zeros(N), np.full((T, P), np.nan)
    for k in range(pad[0], T - pad[1]):
        log_p = logits[z] if moves[k] else log_start
        z = rng.choice(K, p=scipy.special.softmax(log_p))
        x = F[k, z] @ x + c[k if moves[k] else 0, z] + chol_Q[k if moves[k] else 0, z] @ rng.normal(size=N)
        y[k] = H[z] @ x + d[z] + R[z] @ rng.normal(size=P)
    y[rng.random(y.shape) < missing] = np.nan
    each = [np.tile(a, (T, *[1] * a.ndim)) for a in (H, d, R)]
    arrays = [jnp.asarray(a) for a in (F, c, chol_Q, *each, y, moves, log_start)]
    return SwitchingChain(*arrays, Markov(jnp.asarray(logits)))


def brute_force(chain: SwitchingChain):
    """Of every path of regimes: log p(path, y_0..k) for each k, mean and covariance of all states given all y."""
    a = jax.tree.map(np.asarray, chain.rows)
    T, K = a.moves.shape[0], chain.regimes
    log_start = np.asarray(jax.nn.log_softmax(chain.log_start))
    log_move = np.asarray(jax.nn.log_softmax(chain.switch.logits, axis=-1))
    found = []
    for z in itertools.product(range(K), repeat=T):
        log_p, blocked = log_start[z[0]], False
        # x = A w + b with w standard normal, stacked over time.
        A, b = np.zeros((T * N, T * N)), np.zeros(T * N)
        A[:N, :N], b[:N] = a.chol_Q[0, z[0]], a.c[0, z[0]]
        for k in range(1, T):
            now, before = slice(k * N, k * N + N), slice(k * N - N, k * N)
            if a.moves[k]:
                log_p += log_move[z[k - 1], z[k]]
                A[now], b[now] = a.F[k, z[k]] @ A[before], a.F[k, z[k]] @ b[before] + a.c[k, z[k]]
                A[now, now] += a.chol_Q[k, z[k]]
            else:
                blocked |= z[k] != z[k - 1]
                A[now], b[now] = A[before], b[before]
        if blocked:
            continue
        H = np.zeros((T * P, T * N))
        R = np.zeros((T * P, T * P))
        d = np.zeros(T * P)
        for k in range(T):
            rows = slice(k * P, k * P + P)
            H[rows, k * N : k * N + N], d[rows] = a.H[k, z[k]], a.d[k, z[k]]
            R[rows, rows] = a.chol_R[k, z[k]] @ a.chol_R[k, z[k]].T
        cov = A @ A.T
        seen = ~np.isnan(a.y.ravel())
        S, mean = H @ cov @ H.T + R, H @ b + d
        densities = []
        for k in range(T):
            at = np.flatnonzero(seen[: (k + 1) * P])
            law = scipy.stats.multivariate_normal(mean[at], S[np.ix_(at, at)]) if at.size else None
            densities.append(log_p + (law.logpdf(a.y.ravel()[at]) if law else 0.0))
        at = np.flatnonzero(seen)
        gain = cov @ H[at].T @ np.linalg.inv(S[np.ix_(at, at)])
        posterior = b + gain @ (a.y.ravel()[at] - mean[at]), cov - gain @ H[at] @ cov
        found.append((z, np.array(densities), *posterior))
    return found


def weighted(found, T: int, K: int):
    """Smoothed probabilities of the regimes, and overall mean and covariance of the state, at each sample."""
    log_w = np.array([f[1][-1] for f in found])
    w = np.exp(log_w - log_w.max())
    w /= w.sum()
    probability, mean, second = np.zeros((T, K)), np.zeros((T, N)), np.zeros((T, N, N))
    for share, (z, _, m, V) in zip(w, found, strict=True):
        m = m.reshape(T, N)
        probability[np.arange(T), z] += share
        mean += share * m
        blocks = np.stack([V[k * N : k * N + N, k * N : k * N + N] for k in range(T)])
        second += share * (blocks + m[:, :, None] * m[:, None])
    return probability, mean, second - mean[:, :, None] * mean[:, None]


def moments(belief):
    """Overall mean and covariance of a mixture."""
    w, m = np.asarray(belief.weight), np.asarray(belief.components.mean)
    overall = np.einsum("tk,tkn->tn", w, m)
    apart = m - overall[:, None]
    within = np.einsum("tk,tkij->tij", w, np.asarray(belief.components.covariance))
    return overall, within + np.einsum("tk,tki,tkj->tij", w, apart, apart)


filtered = eqx.filter_jit(lambda method, chain: method.filter(chain, KEY))
smoothed = eqx.filter_jit(lambda method, chain, samples, key: method.smooth(chain, samples, key))


@pytest.mark.first(1)
@pytest.mark.parametrize(("seed", "K", "pad"), [(0, 2, (0, 0)), (1, 3, (0, 0)), (2, 2, (2, 1))])
def test_enumeration_is_the_joint_of_every_path(seed, K, pad):
    T = 5
    with precision.float64():
        chain = problem(seed, T, K, pad)
        found = brute_force(chain)
        forward = filtered(Enumerated(), chain)
        back = smoothed(Enumerated(), chain, 0, KEY).smoothed
        log_p = scipy.special.logsumexp([f[1] for f in found], axis=0)
        np.testing.assert_allclose(np.cumsum(forward.log_density), log_p, rtol=1e-9, atol=1e-9)
        probability, mean, cov = weighted(found, T, K)
        np.testing.assert_allclose(back.weight, probability, rtol=1e-7, atol=1e-9)
        for ours, theirs in zip(moments(back), (mean, cov), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-8)
        # Filtered at k is smoothed of the run that ends at k.
        cut = dataclasses.replace(chain, y=chain.y.at[3:].set(jnp.nan))
        probability, mean, cov = weighted(brute_force(cut), T, K)
        np.testing.assert_allclose(forward.filtered.weight[2], probability[2], rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(moments(forward.filtered)[1][2], cov[2], rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(forward.predicted.weight[3], probability[3], rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(moments(forward.predicted)[0][3], mean[3], rtol=1e-7, atol=1e-8)


def alone(chain: SwitchingChain, j: int) -> Chain:
    rows = chain.rows
    return Chain(*(leaf[:, j] for leaf in rows[:6]), rows.y).padded(rows.moves)


@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("pad", [(0, 0), (4, 3)])
def test_one_regime_or_identical_ones_are_the_kalman_filter(K, pad):
    with precision.float64():
        chain = problem(3, 30, K, pad)
        same = [jnp.broadcast_to(leaf[:, :1], leaf.shape) for leaf in chain.rows[:6]]
        chain = SwitchingChain(*same, chain.y, chain.moves, chain.log_start, chain.switch)
        exact, ours = filtered(Exact(), alone(chain, 0)), filtered(Collapsed(), chain)
        np.testing.assert_allclose(ours.log_density, exact.log_density, rtol=1e-9, atol=1e-9)
        pairs = [(ours.predicted, exact.predicted), (ours.filtered, exact.filtered)]
        backs = [
            smoothed(method, c, 0, KEY) for method, c in ((Collapsed(), chain), (Exact(), alone(chain, 0)))
        ]
        for one, other in (*pairs, (backs[0].smoothed, backs[1].smoothed)):
            for a, b in zip(moments(one), moments(other), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("pad", [(0, 0), (2, 2)])
def test_collapsed_is_close_to_enumerated(pad):
    """Over random problems, nothing merged for two samples; a long way from chance after ten."""
    apart, density, mean = [], [], []
    with precision.float64():
        for seed in range(12):
            chain = problem(seed, 10, 2, pad)
            exact, ours = filtered(Enumerated(), chain), filtered(Collapsed(), chain)
            at = slice(0, pad[0] + 2)
            np.testing.assert_allclose(ours.log_density[at], exact.log_density[at], rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(
                ours.filtered.weight[at], exact.filtered.weight[at], rtol=1e-8, atol=1e-9
            )
            both = [smoothed(m, chain, 0, KEY).smoothed for m in (Enumerated(), Collapsed())]
            apart.append(np.abs(both[0].weight - both[1].weight).max())
            density.append(abs(float(exact.log_density.sum() - ours.log_density.sum())))
            spread = np.sqrt(np.diagonal(moments(both[0])[1], axis1=1, axis2=2))
            mean.append((np.abs(moments(both[0])[0] - moments(both[1])[0]) / spread).max())
    assert np.quantile(apart, 0.75) < 0.03
    assert max(apart) < 0.3
    assert np.quantile(density, 0.75) < 0.03
    assert max(density) < 0.6
    assert np.quantile(mean, 0.75) < 0.3


def test_draws_follow_the_exact_posterior():
    with precision.float64():
        chain = problem(5, 6)
        exact = smoothed(Enumerated(), chain, 20_000, KEY)
        ours = smoothed(Collapsed(), chain, 20_000, KEY)
        mean, cov = moments(exact.smoothed)
        variance = np.diagonal(cov, axis1=1, axis2=2)
        for found, slack in ((exact, 0.0), (ours, 0.05)):
            apart = np.asarray(found.draws) - mean
            for power, value in ((1, 0.0), (2, variance)):
                error, noise = np.abs((apart**power).mean(0) - value), (apart**power).std(0) / np.sqrt(20_000)
                assert (error < 5 * noise + slack * variance ** (power / 2)).all()
        # Joint: neighbouring states vary together as they do over exact paths.
        joint = [
            np.corrcoef(np.asarray(f.draws)[:, 2, 0], np.asarray(f.draws)[:, 3, 0])[0, 1]
            for f in (exact, ours)
        ]
        assert abs(joint[0] - joint[1]) < 0.1


@pytest.mark.slow
def test_drawn_outputs_follow_the_regimes_of_the_path():
    """Measured entries stay; missing ones have the mean and spread that the exact posterior says."""
    with precision.float64():
        chain = problem(8, 6)
        chain = dataclasses.replace(chain, y=chain.y.at[3].set(jnp.nan))
        found = smoothed(Enumerated(), chain, 20_000, KEY)
        drawn = jax.vmap(chain.draw)(found.draws, jax.random.split(jax.random.key(1), 20_000))
        drawn, y = np.asarray(drawn), np.asarray(chain.y)
        seen = ~np.isnan(y)
        np.testing.assert_allclose(drawn[:, seen], np.broadcast_to(y[seen], drawn[:, seen].shape), rtol=1e-9)
        w = np.asarray(found.smoothed.weight)
        law = chain.tangents(found.smoothed.components.mean)
        k = 3
        each = np.einsum("jpn,jn->jp", law.H[k], found.smoothed.components.mean[k]) + law.d[k]
        mean = w[k] @ np.asarray(each)
        within = np.einsum("jpn,jnm->jpm", law.H[k], found.smoothed.components.chol[k])
        variance = w[k] @ (
            (within**2).sum(-1) + (np.asarray(law.chol_R[k]) ** 2).sum(-1) + (each - mean) ** 2
        )
        np.testing.assert_allclose(drawn[:, k].mean(0), mean, atol=0.04 * np.sqrt(variance).max())
        np.testing.assert_allclose(drawn[:, k].std(0), np.sqrt(variance), rtol=0.04)


def grid_filter(
    a: np.ndarray, c: np.ndarray, q: float, r: float, W: np.ndarray, L: np.ndarray, y: np.ndarray
):
    """Exact to the grid: one state, two regimes that the state switches."""
    x = np.linspace(-6, 6, 801)
    dx, normal = x[1] - x[0], scipy.stats.norm.pdf
    p = 0.5 * np.stack([normal(x), normal(x)])
    densities, weights = [], []
    for k, value in enumerate(y):
        if k:
            move = np.exp(L[:, None] + W[None, None] * x[None, :, None])
            move /= move.sum(-1, keepdims=True)
            to = np.einsum("ix,ixj->jx", p, move)
            p = np.stack([normal(x[:, None], a[j] * x + c[j], q) @ to[j] * dx for j in range(2)])
        p = p * (normal(value, x, r) if np.isfinite(value) else 1.0)
        densities.append(np.log(p.sum() * dx))
        p /= p.sum() * dx
        weights.append(p.sum(1) * dx)
    return np.array(densities), np.array(weights)


@pytest.mark.parametrize(("steepness", "slack"), [(1.0, 0.02), (8.0, 0.02)])
def test_switching_by_the_state_is_close_to_a_grid(steepness, slack):
    """A threshold at 0: right of it regime 1, which drives left, and the other way round."""
    a, c, q, r = np.array([0.9, 0.9]), np.array([0.4, -0.4]), 0.3, 0.5
    W, L = steepness * np.array([-1.0, 1.0]), 0.5 * np.eye(2)
    rng = np.random.default_rng(0)
    T = 60
    z, x, y = 0, 0.0, []
    for _ in range(T):
        odds = L[z] + W * x
        z = rng.choice(2, p=np.exp(odds - scipy.special.logsumexp(odds)))
        x = a[z] * x + c[z] + q * rng.normal()
        y.append(x + r * rng.normal())
    y = np.array(y)
    y[20:24] = np.nan
    density, weights = grid_filter(a, c, q, r, W, L, y)
    with precision.float64():
        each = lambda v: jnp.tile(jnp.asarray(v, float), (T, *[1] * np.ndim(v)))  # noqa: E731
        F = each(a[:, None, None]).at[0].set(0)
        shift, noise = each(c[:, None]).at[0].set(0), each(np.full((2, 1, 1), q)).at[0].set(1)
        emit = each(np.ones((2, 1, 1))), each(np.zeros((2, 1))), each(np.full((2, 1, 1), r))
        switch = StateDependent(jnp.asarray(L), jnp.asarray(W)[:, None])
        moves = jnp.ones(T, bool)
        chain = SwitchingChain(F, shift, noise, *emit, jnp.asarray(y)[:, None], moves, jnp.zeros(2), switch)
        found = filtered(Collapsed(), chain)
        ours, probability = np.asarray(found.log_density), np.asarray(found.filtered.weight)
    assert abs(ours.sum() - density.sum()) < slack * T
    assert np.abs(probability - weights).mean() < slack


def test_a_known_state_switches_by_the_softmax():
    rng = np.random.default_rng(0)
    L, W, x = rng.normal(size=(3, 3)), 5 * rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    with precision.float64():
        found = (
            StateDependent(jnp.asarray(L), jnp.asarray(W))
            .split(jnp.asarray(x), jnp.zeros((3, 2, 2)))
            .log_matrix
        )
    np.testing.assert_allclose(found, scipy.special.log_softmax(L + x @ W.T, axis=-1), rtol=1e-9, atol=1e-12)


def test_a_belief_split_by_the_next_regime():
    """Probabilities, means and covariances against draws of the state, from gentle to steep."""
    rng, probability, shift = np.random.default_rng(1), [], []
    for steepness, K in itertools.product((0.3, 1.0, 3.0, 10.0), (2, 3)):
        L, W = rng.normal(size=(K, K)), steepness * rng.normal(size=(K, 2))
        m, chol = rng.normal(size=(K, 2)), np.tril(rng.normal(size=(K, 2, 2)))
        x = m[:, None] + rng.normal(size=(K, 40_000, 2)) @ np.swapaxes(chol, 1, 2)
        p = scipy.special.softmax(L[:, None] + x @ W.T, axis=-1)
        with precision.float64():
            ours = StateDependent(*map(jnp.asarray, (L, W))).split(*map(jnp.asarray, (m, chol)))
            ours = jax.tree.map(np.asarray, ours)
        probability.append(np.abs(np.exp(ours.log_matrix) - p.mean(1)).ravel())
        mean = np.einsum("isj,isn->ijn", p, x) / p.sum(1)[..., None]
        likely = p.mean(1) > 0.05
        apart = np.linalg.solve(chol[:, None], (ours.mean - mean)[..., None])[..., 0]
        shift.append(np.abs(apart)[likely].ravel())
        # What follows, taken together, is the belief itself.
        together = np.einsum("ij,ijn->in", np.exp(ours.log_matrix), ours.mean)
        np.testing.assert_allclose(together, m, atol=1e-6)
    assert np.concatenate(probability).max() < 0.08
    assert np.median(np.concatenate(shift)) < 0.1
    assert np.concatenate(shift).max() < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("state", [False, True])
def test_gradients_of_the_likelihood(state):
    """Against central differences, step 1e-5: its square and rounding / step both stay below 1e-8 of the values."""
    with precision.float64():
        chain = problem(4, 12, 3, (2, 2))
        if state:
            W = jnp.asarray(np.random.default_rng(0).normal(size=(3, N)))
            chain = dataclasses.replace(chain, switch=StateDependent(chain.switch.logits, W))
        parameters, rest = eqx.partition(
            chain, lambda leaf: eqx.is_inexact_array(leaf) and leaf is not chain.y
        )

        @eqx.filter_jit
        def value(parameters):
            return Collapsed().filter(eqx.combine(parameters, rest), KEY).log_density.sum()

        slope = eqx.filter_jit(eqx.filter_grad(value))(parameters)
        flat, restore = ravel_pytree(parameters)
        ours = ravel_pytree(slope)[0]
        assert np.isfinite(ours).all()
        rng = np.random.default_rng(0)
        for _ in range(4):
            way = jnp.asarray(rng.normal(size=flat.shape))
            up, down = (float(value(restore(flat + s * 1e-5 * way))) for s in (1, -1))
            np.testing.assert_allclose(float(ours @ way), (up - down) / 2e-5, rtol=1e-5, atol=1e-6)


def test_gradients_are_finite_where_a_regime_is_impossible_or_a_state_known():
    """A forbidden transition, a regime that cannot start, a state without noise; in float32."""
    chain = jax.tree.map(
        lambda a: a.astype(jnp.float32) if eqx.is_inexact_array(a) else a, problem(6, 15, 2, (3, 2))
    )
    logits = jnp.array([[0.0, -1e30], [0.0, 0.0]], jnp.float32)
    still = chain.chol_Q.at[:, :, 0].set(0.0)
    chain = dataclasses.replace(
        chain, switch=Markov(logits), chol_Q=still, log_start=jnp.array([0.0, -1e30], jnp.float32)
    )

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def value(parts):
        F, c, chol_Q, logits = parts
        now = dataclasses.replace(chain, F=F, c=c, chol_Q=chol_Q, switch=Markov(logits))
        return Collapsed().filter(now, KEY).log_density.sum()

    density, slope = value((chain.F, chain.c, chain.chol_Q, logits))
    assert density.dtype == jnp.float32
    assert np.isfinite(density)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope))
    back = smoothed(Collapsed(), chain, 3, KEY)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(back))
    assert float(back.smoothed.weight[:, 1].max()) == 0.0


def test_enumeration_refuses_what_it_cannot_do():
    chain = problem(0, 15)
    with pytest.raises(
        ArgumentError, match=r"at most 16384 paths of regimes, got 2\^15 \(2 regimes, 15 samples\)"
    ):
        Enumerated().filter(chain, KEY)
    chain = dataclasses.replace(problem(0, 4), switch=StateDependent(jnp.zeros((2, 2)), jnp.ones((2, N))))
    with pytest.raises(ArgumentError, match=r"switching that reads the state.*use 'collapsed'"):
        Enumerated().filter(chain, KEY)
    with pytest.raises(ArgumentError, match="limit: expected an integer >= 1, got 0"):
        Enumerated(limit=0)
