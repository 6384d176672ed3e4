"""A stochastic differential equation across one interval, as a Gaussian: the mean's path and the noise around it."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Drift = Callable[[Float[Array, " state"], Float[Array, ""]], Float[Array, " state"]]
"""dx/dt at a state, a fraction of the way through the interval."""


def flow(
    drift: Drift,
    x: Float[Array, " state"],
    interval: Float[Array, ""],
    G: Float[Array, "state noise"],
    substeps: int,
) -> tuple[Float[Array, " state"], Float[Array, "state rank"]]:
    r"""Mean m(T) and a covariance factor of dX = f(X, t/T) dt + G dB from X(0) = x, T the interval.

        dm/dt = f(m, t/T),    Q(T) = int_0^T Phi(T, t) G G^T Phi(T, t)^T dt,    dPhi(t, s)/dt = df/dx(m(t)) Phi(t, s)

    The mean follows `substeps` Runge-Kutta steps of fourth order, an even number, whose Jacobians
    give Phi between their ends; Q is Simpson's rule over the same instants, so both are of order 4.
    All its weights are positive: the factor [w_j^{1/2} Phi(T, t_j) G]_j is never downdated, of full
    rank wherever G is, and exact to first order in G G^T.

    Reference: Särkkä, Solin, "Applied stochastic differential equations", 2019, section 9.1.
    """
    h = interval / substeps

    def step(x: Array, start: Array) -> tuple[Array, Array]:
        crossed = lambda x: _runge_kutta(drift, x, start, h, substeps)  # noqa: E731
        Phi, x = jax.jacfwd(lambda x: (crossed(x),) * 2, has_aux=True)(x)
        return x, Phi

    x, Phi = jax.lax.scan(step, x, jnp.arange(substeps, dtype=x.dtype) / substeps, unroll=2)
    # The root of 0, an interval of padding, has no derivative.
    root = jnp.sqrt(jnp.where(h > 0, h, 1)) * (h > 0)
    weight = root * jnp.sqrt(_simpson(substeps))
    noise = weight[0] * G
    for j in range(substeps):
        noise = jnp.concatenate([Phi[j] @ noise, weight[j + 1] * G], axis=1)
    return x, noise


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


def _simpson(substeps: int) -> Float[Array, " node"]:
    """Weights of the composite rule in steps: 1/3, 4/3, 2/3, .., 4/3, 1/3."""
    inner = [4 / 3 if j % 2 else 2 / 3 for j in range(1, substeps)]
    return jnp.asarray([1 / 3, *inner, 1 / 3])
