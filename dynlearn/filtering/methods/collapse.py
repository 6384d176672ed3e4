"""Moment matching: many Gaussian hypotheses become one Gaussian, covariances by factors."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.numerics.linear.triangular import tria


def collapse(
    log_weight: Float[Array, " hypothesis"],
    mean: Float[Array, "hypothesis state"],
    chol: Float[Array, "hypothesis state rank"],
) -> tuple[Float[Array, ""], Float[Array, " state"], Float[Array, "state state"]]:
    r"""(log sum_h w_h, m, L): the Gaussian with the mean and the covariance of the mixture.

        m = sum_h w_h m_h,    L L^T = sum_h w_h (L_h L_h^T + (m_h - m)(m_h - m)^T),    w normalised

    A weight may be 0 in effect (a very negative logarithm), never exactly: then gradients are finite.
    """
    total = jax.nn.logsumexp(log_weight)
    share = log_weight - total
    centre = jnp.exp(share) @ mean
    # exp(share / 2) and not sqrt(exp(share)): the root has no derivative where a weight underflows.
    root = jnp.exp(share / 2)[:, None, None]
    columns = root * jnp.concatenate([chol, (mean - centre)[..., None]], axis=-1)
    n = mean.shape[-1]
    return total, centre, tria(jnp.moveaxis(columns, 0, 1).reshape(n, -1))
