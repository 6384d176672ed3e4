"""The Roessler system."""

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
    dt=0.1,
    max_step=0.0125,
)


class Roessler(AbstractSystem):
    """A single folded band: the simplest chaotic flow, with one nonlinear term.

        dx/dt = -y - z
        dy/dt = x + a y
        dz/dt = b + z (x - c)

    All quantities are dimensionless. Runs start on the attractor; a turn takes about 6 units of time.

    Args:
        a, b, c: dimensionless parameters; the standard ones give chaos.

    Reference: O. E. Roessler, An equation for continuous chaos, Phys. Lett. A 57 (1976) 397-398.

    >>> Roessler().fixed_points()[0].round(4).tolist()
    [0.007, -0.0351, 0.0351]
    """

    a: float = 0.2
    b: float = 0.2
    c: float = 5.7

    @property
    def sheet(self) -> Sheet:
        return SHEET

    def vector_field(
        self, time: Float[Array, ""], state: Float[Array, " state"], control: Float[Array, " control"]
    ) -> Float[Array, " state"]:
        x, y, z = state
        return jnp.stack([-y - z, x + self.a * y, self.b + z * (x - self.c)])

    def observe(self, state: Float[Array, " state"]) -> Float[Array, " output"]:
        return state

    def initial(self, key: Key[Array, ""]) -> Float[Array, " state"]:
        """On the attractor: a draw around the inner fixed point, 50 to 100 units of time later."""
        where, when = jax.random.split(key)
        start = jnp.asarray([1.0, -5.0, 0.0]) + jax.random.uniform(where, (3,))
        phase = settle(lambda t, x: self.vector_field(t, x, jnp.zeros(0)), start, duration=50.0, step=0.05)
        rate = jax.random.uniform(when)
        return settle(
            lambda t, x: rate * self.vector_field(t, x, jnp.zeros(0)), phase, duration=50.0, step=0.05
        )

    def fixed_points(self) -> np.ndarray:
        """The inner and the outer fixed point, `(point, state)`, where c^2 >= 4 a b."""
        root = np.sqrt(self.c**2 - 4 * self.a * self.b)
        z = (self.c + np.array([-root, root])) / (2 * self.a)
        return np.stack([self.a * z, -z, z], axis=1)
