"""A context in its own units: deviations around its mean."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

LEAST = 1e-6
"""Deviation, in the model's units, below which an output is a constant and keeps those units."""


class Standardised(NamedTuple):
    value: Float[Array, "time output"]
    """0 where nothing was measured."""
    location: Float[Array, " output"]
    scale: Float[Array, " output"]


def standardised(y: Float[Array, "time output"], observed: Bool[Array, "time output"]) -> Standardised:
    """Each output around the mean of what was measured of it, over its standard deviation."""
    count = jnp.maximum(observed.sum(0), 1)
    mean = jnp.where(observed, y, 0).sum(0) / count
    centred = jnp.where(observed, y - mean, 0)
    # The root has no slope at 0.
    variance = (centred**2).sum(0) / count
    scale = jnp.sqrt(jnp.where(variance > LEAST**2, variance, 1))
    return Standardised(centred / scale, mean, scale)
