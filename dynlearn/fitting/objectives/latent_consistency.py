"""latent_consistency: predicted latent states agree with lifted ones."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.markers import AbstractLinearLatent
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.rollout import rollout
from dynlearn.errors import ArgumentError
from dynlearn.fitting.objectives.contract import Metrics
from dynlearn.fitting.objectives.errors import masked_square
from dynlearn.references import cites
from dynlearn.trajectories.window import Window


@cites("lusch2018deep")
def latent_consistency(
    model: AbstractModel, batch: Window, key: Key[Array, ""], weight: float = 0.3
) -> tuple[Float[Array, ""], Metrics]:
    """Multi-step error plus the distance between predicted and re-lifted latent states.

        L = L_multi_step + weight * mean_k |A^k z_0 + ... - infer(window ending at k)|^2

    Args:
        model: one with a linear latent state, such as a `Koopman`.
        batch: windows with a leading batch axis: `model.memory` samples of the past, then the horizon.
        key: not used, nothing is drawn.
        weight: of the distance between latent states.

    Returns:
        The loss, and the metrics "rmse" of the outputs and "latent", the distance.

    Raises:
        ArgumentError: a model without a linear latent state.

    Reference: Lusch, Kutz, Brunton, "Deep learning for universal linear embeddings of nonlinear dynamics",
    Nature Communications 2018.

    >>> import dynlearn as dl
    >>> from dynlearn.fitting.examples import Examples
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> model = dl.models.Koopman.from_data(ds, lifting="identity")
    >>> batch = Examples.of(model, ds, 5, "train").spread(4)
    >>> sorted(jax.jit(latent_consistency)(model, batch, jax.random.key(0))[1])
    ['latent', 'rmse']
    """
    if not isinstance(model, AbstractLinearLatent):
        raise ArgumentError(
            f"objective 'latent_consistency': expected a model with a linear latent state, got {type(model).__name__}; "
            f"use 'multi_step'."
        )
    k, horizon = model.memory, batch.length - model.memory

    def one(window: Window):
        state = model.infer(window[:k])
        states, forecast = rollout(
            model, state, window.control[k - 1 :], window.time[k - 1 :], window.interval[k - 1 : -1]
        )
        ahead = jax.vmap(
            lambda j: jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, j, k), _rows(window))
        )
        later = ahead(jnp.arange(1, horizon + 1))
        lifted = jax.vmap(lambda rows: model.latent(model.infer(_window(rows, window))))(later)
        known = jnp.isfinite(lifted) & window.valid[k:, None]
        gap = jnp.where(known, jax.vmap(model.latent)(states) - jnp.where(known, lifted, 0), 0)
        return forecast.mean, jnp.sum(gap**2), known.sum()

    forecast, square, count = jax.vmap(one)(batch)
    data = masked_square(model, forecast, batch)
    latent = square.sum() / jnp.maximum(count.sum(), 1)
    return data + weight * latent, {"rmse": jnp.sqrt(data), "latent": latent}


def _rows(window: Window) -> dict[str, Array]:
    names = ("time", "interval", "output", "observed", "control", "valid")
    return {name: getattr(window, name) for name in names}


def _window(rows: dict[str, Array], like: Window) -> Window:
    return Window(**rows, static=like.static)
