"""How a regime follows from the regime and the state before it."""

import abc
import functools
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jaxtyping import Array, Float

POINTS = 32
WITHIN = 0.2
"""Share of a belief's covariance that each of its points keeps around itself."""


class Split(NamedTuple):
    """What a belief per regime becomes when the next regime is drawn."""

    log_matrix: Float[Array, "regime regime"]
    """Row i: log-probabilities of what follows regime i."""
    mean: Float[Array, "regime regime state"]
    """Of x_{k-1}, given regime i and that j follows."""
    chol: Float[Array, "regime regime state rank"]


class AbstractSwitch(eqx.Module):
    """p(z_k = j | z_{k-1} = i, x_{k-1}).

    Interacting objects (graph switching dynamical systems) are one more of these: with x the states of all
    objects stacked and z their joint regime, the logits may read messages along the edges of a graph.
    Nothing else in the filters asks how a regime comes about.
    """

    @property
    @abc.abstractmethod
    def reads_state(self) -> bool:
        """Whether the state has a say; if not, the regimes are a Markov chain of their own."""

    @abc.abstractmethod
    def split(self, mean: Float[Array, "regime state"], chol: Float[Array, "regime state rank"]) -> Split:
        """Where x_{k-1} ~ N(mean_i, chol_i chol_i^T) under regime i."""


class Markov(AbstractSwitch):
    """p(z_k = j | z_{k-1} = i) = softmax_j(logits_ij)."""

    logits: Float[Array, "regime regime"]

    @property
    def reads_state(self) -> bool:
        return False

    def split(self, mean: Float[Array, "regime state"], chol: Float[Array, "regime state rank"]) -> Split:
        K = mean.shape[0]
        each = lambda leaf: jnp.broadcast_to(leaf[:, None], (K, K, *leaf.shape[1:]))  # noqa: E731
        return Split(jax.nn.log_softmax(self.logits, axis=-1), each(mean), each(chol))


class StateDependent(AbstractSwitch):
    r"""p(z_k = j | z_{k-1} = i, x_{k-1}) = softmax_j(logits_ij + W_j x_{k-1}).

    A belief N(m, P) is split into `POINTS` narrow ones with means m + P^{1/2} xi and covariance `WITHIN` P, the
    xi quasi-random with covariance (1 - `WITHIN`) I. Over each the expectation is

        p_j ~ 1 / sum_l exp(-(a_j - a_l) / sqrt(1 + pi/8 s_jl^2)),    a = logits_i + W (m + P^{1/2} xi),
        s_jl^2 = `WITHIN` (W_j - W_l) P (W_j - W_l)^T,

    normalised; weighted by p_j the points give the mean and the covariance of x_{k-1} given that j follows.
    Exact for a state that is known.

    References: Linderman, Johnson, Miller, Adams, Blei, Paninski, "Bayesian learning and inference in
    recurrent switching linear dynamical systems", AISTATS 2017; Lu, Ie, Sha, "Mean-field approximation to
    Gaussian-softmax integral", 2020; MacKay, "The evidence framework applied to classification networks", 1992.
    """

    references: ClassVar[tuple[str, ...]] = ("linderman2017bayesian", "lu2020mean", "mackay1992evidence")
    logits: Float[Array, "regime regime"]
    W: Float[Array, "regime state"]

    @property
    def reads_state(self) -> bool:
        return True

    def split(self, mean: Float[Array, "regime state"], chol: Float[Array, "regime state rank"]) -> Split:
        # The points turn with the factor: of all triangular ones take the one that is continuous in P.
        width = min(chol.shape[-2:])
        sign = jnp.where(jnp.diagonal(chol, axis1=-2, axis2=-1) < 0, -1, 1)
        chol = chol.at[..., :width].multiply(sign[:, None])
        xi = jnp.asarray(points(chol.shape[-1]), mean.dtype)
        log_p = jax.vmap(self._log_softmax, (None, None, 0), 1)(mean, chol, xi)  # (i, point, j)
        total = jax.nn.logsumexp(log_p, axis=1)
        share = jnp.exp(log_p - total[:, None])
        centre = jnp.einsum("isj,sr->ijr", share, xi)
        apart = xi[None, :, None] - centre[:, None]
        spread = jnp.einsum("isj,isjr,isjq->ijrq", share, apart, apart)
        within = jnp.linalg.cholesky(spread + WITHIN * jnp.eye(xi.shape[1], dtype=xi.dtype))
        return Split(
            jax.nn.log_softmax(total, axis=-1),
            mean[:, None] + jnp.einsum("inr,ijr->ijn", chol, centre),
            jnp.einsum("inr,ijrq->ijnq", chol, within),
        )

    def _log_softmax(self, mean: Array, chol: Array, xi: Array) -> Float[Array, "regime regime"]:
        a = self.logits + (mean + chol @ xi) @ self.W.T
        spread = jnp.einsum("jn,inr->ijr", self.W, chol)
        between = WITHIN * jnp.sum((spread[:, :, None] - spread[:, None]) ** 2, axis=-1)
        gap = (a[:, :, None] - a[:, None]) / jnp.sqrt(1 + jnp.pi / 8 * between)
        return jax.nn.log_softmax(-jax.nn.logsumexp(-gap, axis=-1), axis=-1)


@functools.cache
def points(n: int) -> Float[np.ndarray, "point n"]:
    """Quasi-random points with mean 0 and covariance (1 - `WITHIN`) I, in pairs of opposite sign."""
    sobol = scipy.stats.qmc.Sobol(n, scramble=False).random_base2(int(np.log2(POINTS)) - 1)
    half = scipy.stats.norm.ppf(sobol + 1 / POINTS)
    xi = np.concatenate([half, -half])
    covariance = xi.T @ xi / POINTS
    return np.sqrt(1 - WITHIN) * xi @ np.linalg.inv(np.linalg.cholesky(covariance)).T
