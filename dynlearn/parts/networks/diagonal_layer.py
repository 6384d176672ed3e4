"""One layer of a deep state-space model: a diagonal recurrence, a gate, a residual connection."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Key

from dynlearn.numerics.keys import split
from dynlearn.numerics.linear.diagonal_recurrence import parallel
from dynlearn.parts.networks.modes import Modes


class DiagonalLayer(eqx.Module):
    r"""v_k -> v_k + z_k sigmoid(G z_k + g), where in the interval after instant k

        w_k = B norm(v_k),    x_{k+1} = exp(Lambda dt_k) x_k + gain (exp(Lambda dt_k) - 1)/Lambda w_k,
        z_k = gelu(Re(C x_{k+1}) + D norm(v_k)).

    The state x is complex, kept as its real and imaginary parts; so are w (out of B) and what C reads.
    `step` crosses one interval, `scan` all intervals of a sequence at once, from x_0 = 0.

    Reference: Smith, Warrington, Linderman, "Simplified state space layers for sequence modeling", ICLR 2023.
    """

    norm: eqx.nn.LayerNorm
    modes: Modes
    references: ClassVar[tuple[str, ...]] = ("smith2023simplified", "blelloch1990prefix")
    B: eqx.nn.Linear
    C: eqx.nn.Linear
    D: Float[Array, " width"]
    gate: eqx.nn.Linear

    def __init__(self, width: int, modes: Modes, *, key: Key[Array, ""]):
        for_b, for_c, for_gate = split(key, 3)
        self.norm = eqx.nn.LayerNorm(width)
        self.modes = modes
        self.B = eqx.nn.Linear(width, 2 * modes.count, use_bias=False, key=for_b)
        self.C = eqx.nn.Linear(2 * modes.count, width, use_bias=False, key=for_c)
        self.D = jnp.ones(width)
        self.gate = eqx.nn.Linear(width, width, key=for_gate)

    def start(self) -> Float[Array, "2 mode"]:
        return jnp.zeros((2, self.modes.count))

    def step(
        self, x: Float[Array, "2 mode"], v: Float[Array, " width"], interval: Float[Array, ""]
    ) -> tuple[Float[Array, "2 mode"], Float[Array, " width"]]:
        """The state after the interval, and the layer's output for it."""
        normed = self.norm(v)
        factor, gain = self.modes.discretised(interval)
        x = _parts(factor * jax.lax.complex(*x) + gain * self._inflow(normed))
        return x, self._out(x, v, normed)

    def scan(
        self, v: Float[Array, "time width"], interval: Float[Array, " time"]
    ) -> tuple[Float[Array, "time 2 mode"], Float[Array, "time width"]]:
        """What `step` gives after each interval."""
        normed = jax.vmap(self.norm)(v)
        factor, gain = self.modes.discretised(interval)
        x = jax.vmap(_parts)(parallel(factor, gain * jax.vmap(self._inflow)(normed)))
        return x, jax.vmap(self._out)(x, v, normed)

    def _inflow(self, normed: Float[Array, " width"]) -> Complex[Array, " mode"]:
        return jax.lax.complex(*self.B(normed).reshape(2, -1))

    def _out(
        self, x: Float[Array, "2 mode"], v: Float[Array, " width"], normed: Float[Array, " width"]
    ) -> Float[Array, " width"]:
        z = jax.nn.gelu(self.C(jnp.ravel(x)) + self.D * normed)
        return v + z * jax.nn.sigmoid(self.gate(z))


def _parts(x: Complex[Array, " mode"]) -> Float[Array, "2 mode"]:
    return jnp.stack([x.real, x.imag])
