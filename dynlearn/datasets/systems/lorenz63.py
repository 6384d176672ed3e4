"""The Lorenz system of 1963."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from dynlearn.datasets.systems._settle import settle
from dynlearn.datasets.systems._sheet import Sheet
from dynlearn.datasets.systems._system import AbstractSystem

SHEET = Sheet(
    states=(("x", "1"), ("y", "1"), ("z", "1")),
    outputs=(("x", "1"), ("y", "1"), ("z", "1")),
    time_unit="1",
    dt=0.02,
    max_step=0.0025,
)


class Lorenz63(AbstractSystem):
    """Thermal convection reduced to three modes; chaotic at the standard parameters.

        dx/dt = sigma (y - x)
        dy/dt = x (rho - z) - y
        dz/dt = x y - beta z

    All quantities are dimensionless. Runs start on the attractor. The largest Lyapunov exponent is
    0.906 per unit of time, so that errors grow e-fold in 1.1 units (55 samples of the default interval).

    Args:
        sigma: Prandtl number.
        rho: Rayleigh number over its critical value.
        beta: geometric factor.

    Reference: E. N. Lorenz, Deterministic nonperiodic flow, J. Atmos. Sci. 20 (1963) 130-141.

    >>> Lorenz63().fixed_points()[1].round(3).tolist()
    [8.485, 8.485, 27.0]
    >>> dict(Lorenz63().simulate(runs=2, length=50).sizes)
    {'trajectory': 2, 'time': 50, 'output_name': 3, 'state_name': 3}
    """

    sigma: float = 10.0
    rho: float = 28.0
    beta: float = 8.0 / 3.0

    @property
    def sheet(self) -> Sheet:
        return SHEET

    def vector_field(
        self, time: Float[Array, ""], state: Float[Array, " state"], control: Float[Array, " control"]
    ) -> Float[Array, " state"]:
        x, y, z = state
        return jnp.stack([self.sigma * (y - x), x * (self.rho - z) - y, x * y - self.beta * z])

    def observe(self, state: Float[Array, " state"]) -> Float[Array, " output"]:
        return state

    def initial(self, key: Key[Array, ""]) -> Float[Array, " state"]:
        """On the attractor: a normal draw around (0, 0, rho - 1), 10 units of time later."""
        start = 5 * jax.random.normal(key, (3,)) + jnp.asarray([0.0, 0.0, self.rho - 1])
        return settle(lambda t, x: self.vector_field(t, x, jnp.zeros(0)), start, duration=10.0, step=0.01)

    def fixed_points(self) -> np.ndarray:
        """The origin and, for rho > 1, the centres of the two wings, `(point, state)`."""
        if self.rho <= 1:
            return np.zeros((1, 3))
        c = np.sqrt(self.beta * (self.rho - 1))
        return np.array([[0.0, 0.0, 0.0], [c, c, self.rho - 1], [-c, -c, self.rho - 1]])
