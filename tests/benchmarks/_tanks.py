"""Two tanks in cascade that can overflow, as a transition whose parameters are fitted."""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

BRIM = 10.0
"""Volts: where the sensor ends, and where both levels are cut."""


class Tanks(eqx.Module):
    r"""One sampling interval of two levels, in volts; what spills from the upper tank partly reaches the lower.

        q_i = 10 ((x_i + offset_i) / 10)^power_i,    a = x_1 - out_1 q_1 + pump u,    o = max(a - 10, 0),
        x_1' = a - o,    x_2' = min(x_2 + in q_1 - out_2 q_2 + spill o, 10)

    Maxima and minima are smooth. Powers of 1/2 and offsets of 0 are Torricelli's law.

    Reference: Schoukens, Noel, "Three benchmarks addressing open challenges in nonlinear system
    identification", IFAC-PapersOnLine 2017.
    """

    rates: Float[Array, " 5"]
    """log of out_1, pump, in, out_2, spill."""
    powers: Float[Array, " 2"]
    """log."""
    offsets: Float[Array, " 2"]
    sharpness: Float[Array, ""]
    """log: of the smooth maximum at the upper brim, at most 30 per volt."""

    @classmethod
    def drawn(cls, seed: int) -> Self:
        """Around a guess: filling takes some 20 samples, and it is Torricelli's law."""
        draw = np.random.default_rng(seed).normal
        rates = np.log([0.05, 0.15, 0.05, 0.05, 1.0]) + 0.2 * draw(size=5)
        powers, offsets = np.log(0.5) + 0.2 * draw(size=2), 0.2 * draw(size=2)
        return cls(
            jnp.asarray(rates),
            jnp.asarray(powers),
            jnp.asarray(offsets),
            jnp.asarray(np.log(5.0) + 0.2 * draw()),
        )

    def __call__(self, t: Array, x: Array, u: Array, s: Array) -> Float[Array, " 2"]:
        out_1, pump, into, out_2, spill = jnp.exp(self.rates)
        q_1, q_2 = 10 * (jnp.maximum(x + self.offsets, 1e-2) / 10) ** jnp.exp(self.powers)
        a = x[0] - out_1 * q_1 + pump * u[0]
        over = _above(a - BRIM, jnp.minimum(jnp.exp(self.sharpness), 30.0))
        b = x[1] + into * q_1 - out_2 * q_2 + spill * over
        return jnp.stack([a - over, b - _above(b - BRIM, 10.0)])


def lower(x: Array, s: Array) -> Float[Array, " 1"]:
    """What is measured."""
    return x[1:]


def _above(x: Array, sharpness: float | Array) -> Array:
    """max(x, 0), smooth."""
    return jax.nn.softplus(sharpness * x) / sharpness
