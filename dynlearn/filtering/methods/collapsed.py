"""Approximate inference in switching linear Gaussian models: one Gaussian per regime."""

from typing import Any, ClassVar, NamedTuple

import cuthbert
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.filtering.contract import AbstractInference, AbstractProcess, Filtered, Smoothed
from dynlearn.filtering.kalman import recursions as kalman
from dynlearn.filtering.methods import backward
from dynlearn.filtering.methods.collapse import collapse
from dynlearn.filtering.processes.switching import Row, SwitchingChain, predicted
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian
from dynlearn.numerics.distributions.mixture import Mixture


class Collapsed(AbstractInference):
    """One Gaussian per regime: K become K^2 from sample to sample and are merged again by their moments.

    Forward (generalised pseudo-Bayes of order 2): each of the K beliefs is moved and updated under each of
    the K regimes by the Kalman filter; of the K^2, those that end in the same regime are merged. The
    log-density is that of the K^2 hypotheses. State-dependent switching is averaged over
    each belief (`switches.StateDependent`).

    Backward (Kim's smoother, one sample better informed): under each pair of regimes a
    Rauch-Tung-Striebel step, weighted by

        p(z_k = i, z_{k+1} = j | y) ~ p(z_k = i | z_{k+1} = j, y_0 .. y_{k+1}) p(z_{k+1} = j | y);

    Kim conditions on y_0 .. y_k. Draws go backward over regimes and states together, from the merged beliefs.

    With one regime, or regimes that are all alike, everything is exact.

    References: Blom, Bar-Shalom, "The interacting multiple model algorithm", IEEE TAC 1988; Kim, "Dynamic
    linear models with Markov-switching", J. Econometrics 1994; Murphy, "Switching Kalman filters", 1998;
    Ghahramani, Hinton, "Variational learning for switching state-space models", Neural Computation 2000.

    >>> import dynlearn as dl
    >>> calm = {"A": [[0.9]], "C": [[1.0]], "Q": [[0.01]], "R": [[0.1]]}
    >>> wild, stay = calm | {"Q": [[1.0]]}, [[0.95, 0.05], [0.2, 0.8]]
    >>> signature = dl.models.Signature(("y",), interval=1.0)
    >>> model = dl.models.SwitchingLinear.from_matrices(signature, [calm, wild], transition=stay)
    >>> ds = dl.from_arrays([[[0.0], [0.1], [3.0]]], dt=1.0, output_names=["y"])
    >>> dl.filter(model, ds, method=Collapsed())["regime"].values[0, 1:].tolist()
    ['r0', 'r1']
    """

    references: ClassVar[tuple[str, ...]] = (
        "blom1988interacting",
        "kim1994dynamic",
        "murphy1998switching",
        "ghahramani2000variational",
        "duffield2026cuthbert",
    )

    @property
    def takes(self) -> type[AbstractProcess]:
        return SwitchingChain

    def filter(self, process: SwitchingChain, key: Key[Array, ""]) -> Filtered:
        found = forward(process)
        return Filtered(
            mixture(*found.predicted),
            mixture(found.mean, found.chol_cov, found.log_weight),
            found.log_density,
        )

    def smooth(self, process: SwitchingChain, samples: int, key: Key[Array, ""]) -> Smoothed:
        found = forward(process)
        beliefs = found.mean, found.chol_cov, found.log_weight
        given_next = backward.given_next(process, found.mean, found.chol_cov)
        back = backward.smooth(process, beliefs, found.log_pair, given_next)
        draws = jnp.zeros((0, *found.mean[:, 0].shape), found.mean.dtype)
        if samples:
            one = lambda k: backward.draw(process, beliefs, given_next, k)[0]  # noqa: E731
            draws = jax.vmap(one)(jax.random.split(key, samples))
        return Smoothed(mixture(back.mean, back.chol, back.log_weight), draws)


def mixture(mean: Array, chol: Array, log_weight: Array) -> Mixture:
    return Mixture(MultivariateGaussian(mean, chol), log_weight)


class Forward(NamedTuple):
    """What the filter carries; the names `mean`, `chol_cov`, `model_inputs` are cuthbert's."""

    mean: Float[Array, "*time regime state"]
    chol_cov: Float[Array, "*time regime state state"]
    log_weight: Float[Array, "*time regime"]
    predicted: tuple[Array, Array, Array]
    """Mean, factor and log-weight of each regime before the sample itself."""
    log_pair: Float[Array, "*time regime regime"]
    """log p(z_{k-1}, z_k | y_0 .. y_k)."""
    log_density: Float[Array, "*time"]
    model_inputs: Any = None


def forward(process: SwitchingChain) -> Forward:
    """The filter, leading axis time."""
    log_start = jax.nn.log_softmax(process.log_start)
    start = process.c[0], process.chol_Q[0], log_start
    pair = jnp.zeros((process.regimes, process.regimes), process.c.dtype)
    first = Forward(*start, start, pair, pair[0, 0])

    def combine(before: Forward, now: Forward) -> Forward:
        return advance(process, before, now.model_inputs)._replace(model_inputs=now.model_inputs)

    passes = cuthbert.Filter(
        init_prepare=lambda key=None: first,
        filter_prepare=lambda row, key=None: first._replace(model_inputs=row),
        filter_combine=combine,
        associative=False,
    )
    return jax.tree.map(lambda leaf: leaf[1:], cuthbert.filter(passes, process.rows, first))


def advance(process: SwitchingChain, before: Forward, row: Row) -> Forward:
    """One sample on: move and update under every pair of regimes, merge those that end alike."""
    ahead = predicted(process.switch, before.mean, before.chol_cov, before.log_weight, row.move)
    merged = jax.vmap(collapse, 1)(*ahead)
    update = jax.vmap(jax.vmap(kalman.condition, (0, 0, 0, 0, 0, None)), (0, 0, None, None, None, None))
    mean, chol, density = update(ahead.mean, ahead.chol, row.H, row.d, row.chol_R, row.y)
    log_pair = ahead.log_weight + density
    log_density = jax.nn.logsumexp(log_pair)
    log_pair = log_pair - log_density
    log_weight, mean, chol = jax.vmap(collapse, 1)(log_pair, mean, chol)
    return Forward(mean, chol, log_weight, (merged[1], merged[2], merged[0]), log_pair, log_density)
