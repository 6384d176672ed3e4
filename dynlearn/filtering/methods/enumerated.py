"""Exact inference in small switching models: every path of regimes."""

import itertools
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from dynlearn.errors import ArgumentError, check_count
from dynlearn.filtering.contract import AbstractInference, AbstractProcess, Filtered, Smoothed
from dynlearn.filtering.kalman import recursions as kalman
from dynlearn.filtering.kalman.chain import Chain
from dynlearn.filtering.methods.collapse import collapse
from dynlearn.filtering.methods.collapsed import mixture
from dynlearn.filtering.processes.switching import NEVER, SwitchingChain, split
from dynlearn.numerics.distributions.mixture import Mixture
from dynlearn.numerics.plain import plain


class Enumerated(AbstractInference):
    """One Kalman filter per path of regimes, K^T of them: for checking approximations on short runs.

        p(z_k = j, y_0 .. y_k) = sum over paths z with z_k = j of p(z) p(y_0 .. y_k | z)

    Likelihood, probabilities of the regimes, mean and covariance of the state under each regime, and
    draws are exact; the Gaussian that stands for a regime has these two moments.

    Args:
        limit: paths at most.

    Raises:
        ArgumentError: more paths than `limit`; switching that reads the state, because then the regimes
            have no distribution apart from the states, and no path a Gaussian one.

    >>> import dynlearn as dl
    >>> calm = {"A": [[0.9]], "C": [[1.0]], "Q": [[0.01]], "R": [[0.1]]}
    >>> wild, stay = calm | {"Q": [[1.0]]}, [[0.95, 0.05], [0.2, 0.8]]
    >>> signature = dl.models.Signature(("y",), interval=1.0)
    >>> model = dl.models.SwitchingLinear.from_matrices(signature, [calm, wild], transition=stay)
    >>> ds = dl.from_arrays([[[0.0], [0.1], [3.0]]], dt=1.0, output_names=["y"])
    >>> dl.filter(model, ds, method=Enumerated())["regime"].values[0, 1:].tolist()
    ['r0', 'r1']
    """

    references: ClassVar[tuple[str, ...]] = ("kalman1960new", "rauch1965maximum", "duffield2026cuthbert")
    counts_padding: ClassVar[bool] = True
    limit: int = eqx.field(static=True, converter=plain, default=2**14)

    def __check_init__(self):
        check_count("Enumerated: limit", self.limit, 1)

    @property
    def takes(self) -> type[AbstractProcess]:
        return SwitchingChain

    def filter(self, process: SwitchingChain, key: Key[Array, ""]) -> Filtered:
        paths, log_prior = self._paths(process)
        found = _filters(process, paths)
        so_far = log_prior[:, None] + jnp.cumsum(found.log_density, axis=1)
        before = jnp.concatenate([log_prior[:, None], so_far[:, :-1]], axis=1)
        total = jax.nn.logsumexp(so_far, axis=0)
        log_density = total - jax.nn.logsumexp(before, axis=0)
        return Filtered(
            _per_regime(process, paths, before, found.predicted),
            _per_regime(process, paths, so_far, found.filtered),
            log_density,
        )

    def smooth(self, process: SwitchingChain, samples: int, key: Key[Array, ""]) -> Smoothed:
        paths, log_prior = self._paths(process)
        chains, found = jax.vmap(lambda z: _chain(process, z))(paths), _filters(process, paths)
        log_path = log_prior + found.log_density.sum(1)
        back = jax.vmap(kalman.run_smoother)(chains, found).smoothed
        weights = jnp.broadcast_to(log_path[:, None], paths.shape)
        draws = jnp.zeros((0, *process.c[:, 0].shape), process.c.dtype)
        if samples:
            for_paths, for_states = jax.random.split(key)
            chosen = jax.random.categorical(for_paths, log_path, shape=(samples,))
            one, passed = jax.tree.map(lambda leaf: leaf[chosen], (chains, found))
            keys = jax.random.split(for_states, samples)
            path = lambda chain, found, k: kalman.draw_paths(chain, found, 1, k)[0]  # noqa: E731
            draws = jax.vmap(path)(one, passed, keys)
        return Smoothed(_per_regime(process, paths, weights, back), draws)

    def _paths(self, process: SwitchingChain) -> tuple[Int[Array, "path time"], Float[Array, " path"]]:
        """Every path, and its log-probability."""
        K, T = process.regimes, process.y.shape[0]
        if process.switch.reads_state:
            raise ArgumentError(
                "Enumerated: expected regimes that switch by themselves (switching='markov'), got switching that reads "
                "the state, which has no exact answer; use 'collapsed'."
            )
        if self.limit < K**T:
            raise ArgumentError(
                f"Enumerated: expected at most {self.limit} paths of regimes, got {K}^{T} ({K} regimes, {T} samples); "
                f"use 'collapsed', or shorter runs."
            )
        paths = jnp.asarray(np.array(list(itertools.product(range(K), repeat=T)), int))
        rows = process.rows
        each = jax.vmap(lambda row: split(process.switch, row.c, row.chol_Q, row.moves).log_matrix)
        log_move = each(rows)
        steps = log_move[jnp.arange(1, T), paths[:, :-1], paths[:, 1:]].sum(1)
        start = jax.nn.log_softmax(process.log_start)[paths[:, 0]]
        return paths, jnp.maximum(start + steps, NEVER)


def _chain(process: SwitchingChain, z: Int[Array, " time"]) -> Chain:
    """The linear Gaussian chain along one path of regimes."""
    rows = process.rows
    of = jax.vmap(lambda leaf, z: leaf[z])
    F, c, chol_Q, H, d, chol_R = (of(leaf, z) for leaf in rows[:6])
    return Chain(F.at[0].set(0), c, chol_Q, H, d, chol_R, rows.y).padded(rows.moves)


def _filters(process: SwitchingChain, paths: Int[Array, "path time"]) -> kalman.Filtered:
    return jax.vmap(lambda z: kalman.run_filter(_chain(process, z)))(paths)


def _per_regime(
    process: SwitchingChain,
    paths: Int[Array, "path time"],
    log_weight: Float[Array, "path time"],
    beliefs: kalman.Beliefs,
) -> Mixture:
    """At every sample the paths that pass through each regime, merged."""

    def one(z, log_w, mean, chol, j):
        return collapse(jnp.where(z == j, log_w, NEVER), mean, chol)

    each = jax.vmap(jax.vmap(one, (None, None, None, None, 0)), (1, 1, 1, 1, None))
    log_total, mean, chol = each(paths, log_weight, *beliefs, jnp.arange(process.regimes))
    return mixture(mean, chol, log_total)
