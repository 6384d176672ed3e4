"""What the objectives with teacher forcing share: which samples count, and their squared error."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from dynlearn.contract.forcing import AbstractForced
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError
from dynlearn.trajectories.window import Window


def checked(model: AbstractModel, objective: str) -> AbstractForced:
    if not isinstance(model, AbstractForced):
        raise ArgumentError(
            f"objective {objective!r}: expected a recurrent model such as ALRNN, got {type(model).__name__}; "
            f"use 'multi_step'."
        )
    return model


def since_begun(window: Window) -> Int[Array, " time"]:
    """Samples since the first valid one of a window; negative before it."""
    return jnp.arange(window.length) - jnp.argmax(window.valid)


def forced_square(model: AbstractForced, z: Float[Array, "window time z"], batch: Window) -> Float[Array, ""]:
    """Mean squared error of z's outputs in scaled units, over what was measured after the first valid sample."""
    counts = batch.observed[:, 1:] & batch.valid[:, :-1, None]
    error = model.scaling.output(batch.output[:, 1:]) - z[:, 1:, : batch.output.shape[-1]]
    return jnp.sum(jnp.where(counts, error, 0) ** 2) / jnp.maximum(counts.sum(), 1)
