"""elbo: the evidence lower bound of whole windows."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.model import AbstractModel
from dynlearn.contract.state_space import AbstractStateSpace
from dynlearn.errors import ArgumentError
from dynlearn.filtering.methods.amortised import Amortised, AmortisedProcess
from dynlearn.fitting.objectives.contract import Metrics
from dynlearn.references import cites
from dynlearn.trajectories.window import Window


@cites("ansari2023neural")
def elbo(model: AbstractModel, batch: Window, key: Key[Array, ""]) -> tuple[Float[Array, ""], Metrics]:
    r"""Negative evidence lower bound per measured value, in scaled units, over past and horizon.

        L = -E_q [log p(y | a) + log p(a) - log q(a | y)] / count,    a ~ q(a | y) drawn once per window

    log p(a) is the latent process's own filter's: the states are integrated out, only the auxiliary
    variables are drawn. Every sample of a window counts, and its first one is taken for the start of a run.
    Without auxiliary variables there is nothing to draw: the bound is the likelihood of the model's own filter.

    Reference: Ansari, Heng, Lim, Soh, "Neural continuous-discrete state space models for
    irregularly-sampled time series", ICML 2023.
    """
    if not isinstance(model, AbstractStateSpace):
        raise ArgumentError(
            f"objective 'elbo': expected a state-space model such as ContinuousDiscrete, got {type(model).__name__}; "
            f"use 'multi_step'."
        )

    def one(window: Window, key: Key[Array, ""]) -> Float[Array, ""]:
        process = model.process(window)
        method = Amortised(1) if isinstance(process, AmortisedProcess) else model.inference
        return method.filter(process, key).log_density.sum()

    density = jax.vmap(one)(batch, jax.random.split(key, batch.output.shape[0]))
    loss = -density.sum() / jnp.maximum(batch.observed.sum(), 1)
    return loss, {}
