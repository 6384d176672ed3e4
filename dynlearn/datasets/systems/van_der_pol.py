"""The oscillator of van der Pol."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.datasets.systems._sheet import Sheet
from dynlearn.datasets.systems._system import AbstractSystem

SHEET = Sheet(
    states=(("position", "1"), ("velocity", "1")),
    outputs=(("position", "1"), ("velocity", "1")),
    time_unit="1",
    dt=0.1,
    max_step=0.02,
)


class VanDerPol(AbstractSystem):
    """A self-sustained oscillation: every run but the one at rest tends to the same limit cycle.

        d position/dt = velocity
        d velocity/dt = mu (1 - position^2) velocity - position

    All quantities are dimensionless. At mu = 1 the cycle has amplitude 2.009 and period 6.663.

    Args:
        mu: strength of the nonlinear damping; above about 10 the equations are stiff, and the data sheet's
            `max_step` too long.

    Reference: B. van der Pol, On relaxation-oscillations, Phil. Mag. 2 (1926) 978-992.

    >>> ds = VanDerPol().simulate(runs=1, length=400, initial=[0.1, 0.0])
    >>> round(float(ds["state"][0, 200:, 0].max()), 1)
    2.0
    """

    mu: float = 1.0

    @property
    def sheet(self) -> Sheet:
        return SHEET

    def vector_field(
        self, time: Float[Array, ""], state: Float[Array, " state"], control: Float[Array, " control"]
    ) -> Float[Array, " state"]:
        x, v = state
        return jnp.stack([v, self.mu * (1 - x**2) * v - x])

    def observe(self, state: Float[Array, " state"]) -> Float[Array, " output"]:
        return state

    def initial(self, key: Key[Array, ""]) -> Float[Array, " state"]:
        """Uniform on [-3, 3] in both states."""
        return jax.random.uniform(key, (2,), minval=-3.0, maxval=3.0)
