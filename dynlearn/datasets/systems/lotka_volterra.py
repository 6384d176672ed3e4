"""The predator-prey equations of Lotka and Volterra."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.datasets.systems._sheet import Sheet
from dynlearn.datasets.systems._system import AbstractSystem

SHEET = Sheet(
    states=(("prey", "thousand"), ("predator", "thousand")),
    outputs=(("prey", "thousand"), ("predator", "thousand")),
    time_unit="year",
    dt=0.1,
    max_step=0.025,
)


class LotkaVolterra(AbstractSystem):
    """Prey and predators: closed orbits around an equilibrium, one for each value of an invariant.

        d prey/dt     = alpha prey - beta prey predator
        d predator/dt = delta prey predator - gamma predator

    Populations are in thousands, times in years. Runs start around the equilibrium, at distances of about
    half of it in logarithm; an orbit there takes about 10 years.

    Args:
        alpha: birth rate of the prey (1/year).
        beta: rate of being eaten (1/year per thousand predators).
        delta: growth of the predators (1/year per thousand prey).
        gamma: death rate of the predators (1/year).

    References: A. J. Lotka, Elements of Physical Biology (1925); V. Volterra, Mem. Acad. Lincei 2 (1926)
    31-113.

    >>> print(LotkaVolterra().fixed_point())
    [4.   2.75]
    """

    alpha: float = 1.1
    beta: float = 0.4
    delta: float = 0.1
    gamma: float = 0.4

    @property
    def sheet(self) -> Sheet:
        return SHEET

    def vector_field(
        self, time: Float[Array, ""], state: Float[Array, " state"], control: Float[Array, " control"]
    ) -> Float[Array, " state"]:
        prey, predator = state
        return jnp.stack(
            [prey * (self.alpha - self.beta * predator), predator * (self.delta * prey - self.gamma)]
        )

    def observe(self, state: Float[Array, " state"]) -> Float[Array, " output"]:
        return state

    def initial(self, key: Key[Array, ""]) -> Float[Array, " state"]:
        """The equilibrium times exp(N(0, 0.5^2)), for each population on its own."""
        return self.fixed_point() * jnp.exp(0.5 * jax.random.normal(key, (2,)))

    def fixed_point(self) -> Float[Array, " state"]:
        """The equilibrium with both populations alive."""
        return jnp.asarray([self.gamma / self.delta, self.alpha / self.beta])

    def invariant(self, state: Float[Array, "*batch state"]) -> Float[Array, "*batch"]:
        """V = delta prey - gamma log(prey) + beta predator - alpha log(predator), constant along every orbit
        (1/year).

        Args:
            state: both populations in thousands, with any leading axes.
        """
        prey, predator = state[..., 0], state[..., 1]
        return (
            self.delta * prey
            - self.gamma * jnp.log(prey)
            + self.beta * predator
            - self.alpha * jnp.log(predator)
        )
