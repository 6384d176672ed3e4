"""A damped pendulum with a torque at its pivot."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.datasets.systems._excitation import Excitation
from dynlearn.datasets.systems._sheet import Sheet
from dynlearn.datasets.systems._system import AbstractSystem

SHEET = Sheet(
    states=(("angle", "rad"), ("velocity", "rad/s")),
    outputs=(("angle", "rad"), ("velocity", "rad/s")),
    time_unit="s",
    dt=0.05,
    max_step=0.005,
    controls=(("torque", "N m"),),
    excitation=Excitation((-3.0,), (3.0,), hold=10),
)


class Pendulum(AbstractSystem):
    """A point mass on a massless rod.

        d angle/dt    = velocity
        d velocity/dt = -(g / l) sin(angle) - d / (m l^2) velocity + torque / (m l^2)

    The angle is 0 hanging down and pi upright, and is not wrapped. The default controls are torques between
    -3 and 3 N m, held for 10 samples: too weak to lift the pendulum directly, strong enough to swing it up.

    Args:
        mass: m (kg).
        length: l, of the rod (m).
        damping: d, torque per angular velocity (N m s).
        gravity: g (m/s^2).

    Reference: C. Huygens, Horologium Oscillatorium (1673); any textbook of mechanics.

    >>> pendulum = Pendulum(damping=0.0)
    >>> round(float(pendulum.energy(jnp.asarray([jnp.pi, 0.0]))), 2)
    19.62
    """

    mass: float = 1.0
    length: float = 1.0
    damping: float = 0.1
    gravity: float = 9.81

    @property
    def sheet(self) -> Sheet:
        return SHEET

    def vector_field(
        self, time: Float[Array, ""], state: Float[Array, " state"], control: Float[Array, " control"]
    ) -> Float[Array, " state"]:
        angle, velocity = state
        inertia = self.mass * self.length**2
        torque = control[0] - self.damping * velocity
        return jnp.stack([velocity, torque / inertia - self.gravity / self.length * jnp.sin(angle)])

    def observe(self, state: Float[Array, " state"]) -> Float[Array, " output"]:
        return state

    def initial(self, key: Key[Array, ""]) -> Float[Array, " state"]:
        """Angle uniform on [-pi, pi] rad, velocity on [-1, 1] rad/s."""
        bounds = jnp.asarray([jnp.pi, 1.0])
        return jax.random.uniform(key, (2,), minval=-bounds, maxval=bounds)

    def energy(self, state: Float[Array, "*batch state"]) -> Float[Array, "*batch"]:
        """Kinetic plus potential energy in J, 0 at rest; constant without damping and torque.

        Args:
            state: angle (rad) and velocity (rad/s), with any leading axes.
        """
        angle, velocity = state[..., 0], state[..., 1]
        kinetic = 0.5 * self.mass * self.length**2 * velocity**2
        return kinetic + self.mass * self.gravity * self.length * (1 - jnp.cos(angle))
