"""A stochastic differential equation across one interval, as a Gaussian: the mean's path and the noise around it."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.numerics.linear.triangular import tria

Drift = Callable[[Float[Array, " state"], Float[Array, ""]], Float[Array, " state"]]
"""dx/dt at a state, a fraction of the way through the interval."""
Diffusion = Callable[[Float[Array, " state"], Float[Array, ""]], Float[Array, "state noise"]]
"""What the noise is multiplied by there."""


def flow(
    drift: Drift,
    diffusion: Diffusion,
    x: Float[Array, " state"],
    interval: Float[Array, ""],
    substeps: int,
) -> tuple[Float[Array, " state"], Float[Array, "state rank"]]:
    r"""Mean m(T) and a covariance factor of dX = f(X, t/T) dt + G(X, t/T) dB from X(0) = x, T the interval.

        dm/dt = f(m, t/T),    Q(T) = int_0^T Phi(T, t) G G^T Phi(T, t)^T dt,    dPhi(t, s)/dt = df/dx(m(t)) Phi(t, s)

    The mean follows `substeps` Runge-Kutta steps of fourth order, an even number, whose Jacobians
    give Phi between their ends; Q is Simpson's rule over each two of them, G as it is where they
    start, so both are of order 4 where G is constant. All its weights are positive: the factor
    [w_j^{1/2} Phi(T, t_j) G]_j is never downdated, of full rank wherever G is, and exact to first
    order in G G^T.

    Reference: Särkkä, Solin, "Applied stochastic differential equations", 2019, section 9.1.
    """
    h = interval / substeps
    if substeps == 2:
        x, _, noise = _pair(drift, diffusion, x, jnp.zeros_like(h), h, substeps)
        return x, noise

    def cross(carry: tuple[Array, Array], start: Array) -> tuple[tuple[Array, Array], None]:
        x, chol = carry
        x, Phi, noise = _pair(drift, diffusion, x, start, h, substeps)
        return (x, tria(jnp.concatenate([Phi @ chol, noise], axis=1))), None

    starts = jnp.arange(0, substeps, 2, dtype=x.dtype) / substeps
    return jax.lax.scan(cross, (x, jnp.zeros((x.size, x.size), x.dtype)), starts)[0]


def _pair(
    drift: Drift, diffusion: Diffusion, x: Array, start: Array, h: Array, substeps: int
) -> tuple[Array, Array, Array]:
    """Two steps of h: the mean after them, Phi across them, and the factor of the noise they add."""

    def step(x: Array, start: Array) -> tuple[Array, Array]:
        crossed = lambda x: _runge_kutta(drift, x, start, h, substeps)  # noqa: E731
        return jax.jacfwd(lambda x: (crossed(x),) * 2, has_aux=True)(x)

    # The root of 0, an interval of padding, has no derivative.
    root = jnp.sqrt(jnp.where(h > 0, h, 1) / 3) * (h > 0)
    G = root * diffusion(x, start)
    first, x = step(x, start)
    second, x = step(x, start + 1.0 / substeps)
    return x, second @ first, jnp.concatenate([second @ (first @ G), 2 * second @ G, G], axis=1)


def _runge_kutta(
    drift: Drift, x: Float[Array, " state"], start: Float[Array, ""], h: Float[Array, ""], substeps: int
) -> Float[Array, " state"]:
    """One step of the classical scheme, `start` a fraction of the whole interval."""
    middle, end = start + 0.5 / substeps, start + 1.0 / substeps
    k1 = drift(x, start)
    k2 = drift(x + h / 2 * k1, middle)
    k3 = drift(x + h / 2 * k2, middle)
    k4 = drift(x + h * k3, end)
    return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
