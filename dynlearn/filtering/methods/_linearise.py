"""Statistical linear regression of a conditional law over a Gaussian belief."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from cuthbertlib.quadrature import unscented
from jaxtyping import Array, Float

from dynlearn.numerics.linear.triangular import tria

Law = Callable[[Float[Array, " state"]], tuple[Float[Array, " value"], Float[Array, "value rank"]]]
"""From a point to the mean and a covariance factor of what follows."""


def sigma_points(
    mean: Float[Array, " state"], chol: Float[Array, "state state"]
) -> tuple[Float[Array, "point state"], Float[Array, " point"]]:
    """Unscented points of N(mean, chol chol^T) and their weights, none of them negative.

    kappa = 3 - n matches the fourth moments of a Gaussian up to n = 3 states; beyond that its centre
    would weigh less than nothing, and kappa = 0 (the cubature rule) is taken.
    """
    rule = unscented.weights(mean.shape[0], alpha=1.0, beta=0.0, kappa=max(3.0 - mean.shape[0], 0.0))
    points = rule.get_sigma_points(mean, chol)
    return points.points, jnp.asarray(points.wm, mean.dtype)


def regressed(
    law: Law, mean: Float[Array, " state"], chol: Float[Array, "state state"]
) -> tuple[Float[Array, "value state"], Float[Array, " value"], Float[Array, "value value"]]:
    r"""(F, c, chol_Q) with the law's mean and covariance over x ~ N(mean, chol chol^T) for F x + c + chol_Q w.

    With unit-spread points s_i, x_i = mean + L s_i, f_i = E[. | x_i] and weights w_i >= 0,

        F L = sum_i w_i f_i s_i^T,    c = sum_i w_i f_i - F mean,
        Q = sum_i w_i (e_i e_i^T + Q(x_i)),    e_i = f_i - c - F x_i,

    a sum of squares, so that no factor is ever downdated. L is `chol` widened by a spread far below
    what matters: where the belief is certain, F is then a difference quotient, not 0/0.
    """
    n = mean.shape[0]
    eps = jnp.finfo(mean.dtype).eps ** 0.25
    # A device, not a part of the belief: and the norm of a row of zeros has no gradient.
    at, still = jax.lax.stop_gradient((mean, chol))
    floor = eps * jnp.maximum(jnp.linalg.norm(still, axis=1), eps * (1 + jnp.abs(at)))
    L = tria(jnp.concatenate([chol, jnp.diag(floor)], axis=1))
    x, w = sigma_points(mean, L)
    s, _ = sigma_points(jnp.zeros_like(mean), jnp.eye(n, dtype=mean.dtype))
    f, chol_Q = jax.vmap(law)(x)
    FL = jnp.einsum("i,iv,is->vs", w, f, s)
    F = jax.scipy.linalg.solve_triangular(L, FL.T, lower=True, trans=1).T
    c = w @ f - F @ mean
    e = (f - c - x @ F.T) * jnp.sqrt(w)[:, None]
    noise = jnp.sqrt(w)[:, None, None] * chol_Q
    noise = jnp.moveaxis(noise, 0, 1).reshape(f.shape[1], -1)
    return F, c, tria(jnp.concatenate([e.T, noise, jnp.zeros((f.shape[1], f.shape[1]), f.dtype)], axis=1))
