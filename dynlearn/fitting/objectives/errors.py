"""Squared errors over what was measured."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.contract.model import AbstractModel
from dynlearn.trajectories.window import Window


def masked_square(model: AbstractModel, forecast: Float[Array, "batch horizon output"], batch: Window):
    measured = batch.observed[:, model.memory :]
    error = (batch.output[:, model.memory :] - forecast) / model.scaling.output_scale
    return jnp.sum(jnp.where(measured, error, 0) ** 2) / jnp.maximum(measured.sum(), 1)
