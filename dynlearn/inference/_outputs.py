"""From beliefs about states to distributions of outputs in physical units."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.models._linear_gaussian import AbstractLinearGaussian
from dynlearn.numerics.kalman import Beliefs, Chain


def scale(chol: Float[Array, "*batch n rank"]) -> Float[Array, "*batch n"]:
    """Standard deviations, of a covariance factor."""
    return jnp.linalg.norm(chol, axis=-1)


def marginal(
    model: AbstractLinearGaussian, run: Chain, beliefs: Beliefs
) -> tuple[Float[Array, "time output"], Float[Array, "time output"]]:
    """Mean and standard deviation of a measurement at each sample: N(H m + d, H P H^T + R)."""
    mean = jnp.einsum("kij,kj->ki", run.H, beliefs.mean) + run.d
    spread = scale(jnp.concatenate([run.H @ beliefs.chol, run.chol_R], axis=-1))
    return model.scaling.output_inverse(mean), model.scaling.output_scale * spread
