"""Two tanks in cascade, fed by a pump."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key
from numpy.typing import ArrayLike

from dynlearn.datasets.systems._excitation import Excitation
from dynlearn.datasets.systems._sheet import Sheet
from dynlearn.datasets.systems._system import AbstractSystem

SHEET = Sheet(
    states=(("upper", "cm"), ("lower", "cm")),
    outputs=(("upper", "cm"), ("lower", "cm")),
    time_unit="s",
    dt=1.0,
    max_step=0.1,
    controls=(("voltage", "V"),),
    excitation=Excitation((2.0,), (10.0,), hold=20),
)


class DoubleTank(AbstractSystem):
    """Water is pumped into the upper tank, runs from there into the lower one, and out of it.

        d upper/dt = (k voltage            - a_1 sqrt(2 g upper)) / A
        d lower/dt = (a_1 sqrt(2 g upper)  - a_2 sqrt(2 g lower)) / A

    Outflow follows Torricelli's law and stops at an empty tank. The tanks do not overflow: at the upper end
    of the default controls (2 to 10 V, held for 20 samples) the levels settle at 17.4 cm.

    Args:
        area: A, cross section of both tanks (cm^2).
        outlet_upper, outlet_lower: a_1, a_2, cross sections of the outlets (cm^2).
        pump: k, flow per voltage (cm^3/s/V).
        gravity: g (cm/s^2).

    References: the laboratory process of K. H. Johansson, The quadruple-tank process, IEEE Trans. Control
    Syst. Technol. 8 (2000) 456-465, reduced to one column; measured relative: M. Schoukens and J.-P. Noel,
    Three benchmarks addressing open challenges in nonlinear system identification, IFAC-PapersOnLine 50
    (2017) 446-451.

    >>> tanks = DoubleTank()
    >>> print(tanks.equilibrium(6.0).round(2))
    [6.31 6.31]
    """

    area: float = 15.5
    outlet_upper: float = 0.178
    outlet_lower: float = 0.178
    pump: float = 3.3
    gravity: float = 981.0

    @property
    def sheet(self) -> Sheet:
        return SHEET

    def vector_field(
        self, time: Float[Array, ""], state: Float[Array, " state"], control: Float[Array, " control"]
    ) -> Float[Array, " state"]:
        through = self.outlet_upper * self._speed(state[0])
        out = self.outlet_lower * self._speed(state[1])
        return jnp.stack([self.pump * control[0] - through, through - out]) / self.area

    def observe(self, state: Float[Array, " state"]) -> Float[Array, " output"]:
        return state

    def initial(self, key: Key[Array, ""]) -> Float[Array, " state"]:
        """Both levels uniform on [1, 15] cm."""
        return jax.random.uniform(key, (2,), minval=1.0, maxval=15.0)

    def equilibrium(self, voltage: ArrayLike) -> Float[Array, "*batch state"]:
        """The levels (cm) at which a constant `voltage` (V) holds the tanks.

        Args:
            voltage: of the pump (V), a number or an array.

        Returns:
            Upper and lower level along a last axis.
        """
        flow = self.pump * jnp.asarray(voltage, float)
        levels = [
            (flow / outlet) ** 2 / (2 * self.gravity) for outlet in (self.outlet_upper, self.outlet_lower)
        ]
        return jnp.stack(levels, axis=-1)

    def _speed(self, level: Float[Array, ""]) -> Float[Array, ""]:
        """Torricelli: sqrt(2 g level), and 0 for an empty tank with a gradient that is 0, not NaN."""
        filled = level > 0
        return jnp.where(filled, jnp.sqrt(2 * self.gravity * jnp.where(filled, level, 1.0)), 0.0)
