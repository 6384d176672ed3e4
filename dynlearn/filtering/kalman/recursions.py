"""Exact inference in a linear Gaussian chain, in square-root form; backward recursions are cuthbert's."""

from typing import NamedTuple

import cuthbert
import equinox as eqx
import jax
import jax.numpy as jnp
from cuthbert.gaussian import kalman as associative
from cuthbertlib.kalman.sampling import sampling_operator, sqrt_associative_params
from jaxtyping import Array, Bool, Float, Key

from dynlearn.filtering.kalman._forward import Measured, forward, log_density, updated
from dynlearn.filtering.kalman.chain import Chain
from dynlearn.numerics.linear.triangular import inverse, product, tria


class Beliefs(NamedTuple):
    """N(mean, chol chol^T) at every sample."""

    mean: Float[Array, "time state"]
    chol: Float[Array, "time state state"]


class Filtered(NamedTuple):
    predicted: Beliefs
    """Given the samples before."""
    filtered: Beliefs
    """Given these and the sample itself."""
    log_density: Float[Array, " time"]
    """log p(y_k | y_0 .. y_{k-1}), 0 where nothing was measured."""


def run_filter(
    chain: Chain,
    *,
    parallel: bool = False,
    observed: Bool[Array, "time output"] | None = None,
) -> Filtered:
    """The Kalman filter: sequential, or in logarithmic depth by an associative scan.

    Both are square-root filters. The sequential one takes singular covariances, exact measurements
    and wide priors as they are; its `log_density` has a derivative of its own, one linear pass
    backward. The parallel one needs H Q H^T + R to be regular at every sample and loses the digits
    that a wide prior costs.

    Args:
        chain: the run.
        parallel: by an associative scan.
        observed: which entries of `y` were measured; None: those that are not NaN. Under `jax.vmap`,
            runs that share `observed` and all matrices share their covariances, which are then
            computed once; what `y` says differs from run to run as far as JAX can know.

    References: Morf, Kailath 1975; Yaghoobi, Corenflos, Hassan, Särkkä, "Parallel square-root statistical
    linear regression for inference in nonlinear state space models", SIAM J. Sci. Comput. 2025.
    """
    if not parallel:
        measured = Measured.of(chain.H, chain.d, chain.chol_R, chain.y, observed)
        ahead = forward(chain, measured)
        mean, chol, _ = jax.vmap(_condition)(ahead.mean, ahead.chol, measured)
        density = log_density(chain, measured, ahead)
        return Filtered(Beliefs(ahead.mean, ahead.chol), Beliefs(mean, chol), density)
    if observed is not None:
        chain = eqx.tree_at(lambda c: c.y, chain, jnp.where(observed, chain.y, jnp.nan))
    scan = associative.build_filter(chain.c[0], chain.chol_Q[0], _dynamics, _observation)
    states = cuthbert.filter(scan, chain, scan.init_prepare(), parallel=True)
    found = Beliefs(states.mean[1:], states.chol_cov[1:])
    # The scan's own log density inverts the state's covariance, which may be singular: so it is
    # taken from the predictions, each of which follows from one filtered state.
    before = jax.tree.map(lambda leaf: jnp.concatenate([leaf[:1], leaf[:-1]]), found)
    predicted = Beliefs(*jax.vmap(predict)(before.mean, before.chol, chain.F, chain.c, chain.chol_Q))
    density = jax.vmap(condition)(*predicted, chain.H, chain.d, chain.chol_R, chain.y)[2]
    return Filtered(predicted, found, density)


class Smoothed(NamedTuple):
    smoothed: Beliefs
    """Given all samples."""
    gain: Float[Array, "time-1 state state"]
    """G_k = Cov(x_k, x_{k+1} | y_0..k) Cov(x_{k+1} | y_0..k)^{-1}."""
    chol_given_next: Float[Array, "time-1 state state"]
    """Of Cov(x_k | x_{k+1}, y_0..k)."""


def run_smoother(chain: Chain, found: Filtered, *, parallel: bool = False) -> Smoothed:
    """The Rauch-Tung-Striebel smoother over what `run_filter` gave."""
    smoother = associative.build_smoother(_dynamics, store_gain=True, store_chol_cov_given_next=True)
    states = _FilterStates(*found.filtered, None)
    back = cuthbert.smoother(smoother, states, _backward(chain, found), parallel=parallel)
    return Smoothed(Beliefs(back.mean, back.chol_cov), back.gain[:-1], back.chol_cov_given_next[:-1])


def draw_paths(
    chain: Chain, found: Filtered, samples: int, key: Key[Array, ""]
) -> Float[Array, "sample time state"]:
    """Joint draws of the states given all samples, backward from what `run_filter` gave."""
    back = _backward(chain, found)
    elements = sqrt_associative_params(key, *found.filtered, back.F, back.c, back.chol_Q, (samples,))
    paths = jax.lax.associative_scan(jax.vmap(sampling_operator), elements, reverse=True).sample
    return jnp.swapaxes(paths, 0, 1)


def predict(m: Array, chol_P: Array, F: Array, c: Array, chol_Q: Array) -> tuple[Array, Array]:
    """N(F m + c, F P F^T + Q), the covariances by factors."""
    return (F * m).sum(-1) + c, tria(jnp.concatenate([product(F, chol_P), chol_Q], axis=1))


def update(m: Array, chol_P: Array, H: Array, d: Array, chol_R: Array, y: Array) -> tuple[Array, Array]:
    """The belief N(m, P) after y = H x + d + R^{1/2} v; NaN in `y` says nothing."""
    return condition(m, chol_P, H, d, chol_R, y)[:2]


def condition(
    m: Array, chol_P: Array, H: Array, d: Array, chol_R: Array, y: Array
) -> tuple[Array, Array, Float[Array, ""]]:
    """As `update`, and the log density of y."""
    return _condition(m, chol_P, Measured.of(H, d, chol_R, y))


def _condition(m: Array, chol_P: Array, row: Measured) -> tuple[Array, Array, Array]:
    outputs = row.H.shape[0]
    found, chol = updated(chol_P, row.H, row.chol_R)
    whiten = inverse(found[:outputs])
    white = (whiten * (row.y - (row.H * m).sum(-1))).sum(-1)
    return m + (found[outputs:] * white).sum(-1), chol, row.density(whiten, (white**2).sum())


class _FilterStates(NamedTuple):
    mean: Array
    chol_cov: Array
    model_inputs: Chain | None


def _dynamics(row: Chain):
    return row.F, row.c, row.chol_Q


def _observation(row: Chain):
    return row.H, row.d, row.chol_R, row.y


def _backward(chain: Chain, found: Filtered) -> Chain:
    r"""The transitions 1.. for a backward pass, whose gain is Cov(x, x') Cov(x')^{-1}.

    Cov(x') is singular where a state is known exactly (a measurement without noise, a constant,
    the padding after it). There both factors vanish in the same directions, and a noise far below
    the state's own spread, ~1e-10 of it in float64, turns 0/0 into 0 and changes nothing else: a
    regular direction of relative spread s is off by (1e-10 / s)^2.
    """
    eps = jnp.finfo(chain.c.dtype).eps ** 0.625
    spread = jnp.linalg.norm(found.predicted.chol[1:], axis=-1)
    floor = eps * (spread + eps * spread.max(axis=-1, keepdims=True)) + 1e-15
    jitter = floor[:, :, None] * jnp.eye(chain.c.shape[-1], dtype=chain.c.dtype)
    rows = jax.tree.map(lambda leaf: leaf[1:], chain)
    return eqx.tree_at(lambda r: r.chol_Q, rows, jnp.concatenate([rows.chol_Q, jitter], axis=-1))
