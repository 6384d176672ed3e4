"""energy: a proper score of drawn paths."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.model import AbstractModel
from dynlearn.fitting.examples import predict
from dynlearn.fitting.objectives.contract import Metrics
from dynlearn.references import cites
from dynlearn.trajectories.window import Window

PATHS = 16
"""Paths drawn per window for the energy score."""


@cites("gneiting2007strictly")
def energy(model: AbstractModel, batch: Window, key: Key[Array, ""]) -> tuple[Float[Array, ""], Metrics]:
    """Energy score of drawn paths at each instant, in scaled units, over the outputs measured there.

        ES = mean_i |y_i - y| - 1/2 mean_{i != j} |y_i - y_j|,    y_1 .. y_PATHS drawn, y measured

    Lowest in expectation for the true distribution: it rewards both accuracy and honest spread.

    Args:
        model: one whose state moves at random.
        batch: windows with a leading batch axis: `model.memory` samples of the past, then the horizon.
        key: of the draws.

    Returns:
        The score, averaged over instants and windows, and no metrics.

    Reference: Gneiting, Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 2007.

    >>> import dynlearn as dl, equinox as eqx
    >>> from dynlearn.fitting.examples import Examples
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> model = dl.models.NeuralSDE.from_data(ds, hidden=0, memory=1, width=4, key=0)
    >>> batch = Examples.of(model, ds, 5, "train").spread(4)
    >>> loss, _ = eqx.filter_jit(energy)(model, batch, jax.random.key(0))
    >>> bool(loss > 0)
    True
    """
    scale, k = model.scaling.output_scale, model.memory

    def one(window: Window, key):
        drawn = jax.vmap(lambda i: _draw(model, window, i) / scale)(jax.random.split(key, PATHS))
        measured = window.observed[k:]
        y = window.output[k:] / scale
        near = _norm(drawn - y, measured).mean(0)
        apart = _norm(drawn[:, None] - drawn, measured).sum((0, 1)) / (PATHS * (PATHS - 1))
        return jnp.where(measured.any(-1), near - apart / 2, 0), measured.any(-1)

    score, counted = jax.vmap(one)(batch, jax.random.split(key, batch.output.shape[0]))
    return score.sum() / jnp.maximum(counted.sum(), 1), {}


def _draw(model: AbstractModel, window: Window, key: Key[Array, ""]) -> Float[Array, "horizon output"]:
    """The outputs of one random path, measurement noise included."""
    for_path, for_outputs = jax.random.split(key)
    return predict(model, window, key=for_path).sample(for_outputs)


def _norm(error: Float[Array, "*batch output"], measured: Array) -> Float[Array, "*batch"]:
    """Euclidean over the measured outputs; the small term keeps the gradient finite at 0."""
    return jnp.sqrt(jnp.sum(jnp.where(measured, error, 0) ** 2, axis=-1) + 1e-12)
