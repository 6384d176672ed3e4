"""Vector fields, diffusions and maps learned by networks, in scaled units."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from dynlearn.contract.rescaling import Affine, Rescaling, joined, multiplied
from dynlearn.contract.scaling import Scaling
from dynlearn.numerics.fixed import Constant
from dynlearn.numerics.precision import array
from dynlearn.parts.networks.rescaled import rescaled, silenced


class LearnedField(eqx.Module):
    """network(x, u, s) / time_scale: of order one where the data change by a standard deviation in that time."""

    network: eqx.nn.MLP

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        return self.network(jnp.concatenate([x, u, s])) / scaling.time_scale

    def still(self, states: Bool[np.ndarray, " state"]) -> "LearnedField":
        """The same field, but that these states stay where they are."""
        return LearnedField(silenced(self.network, states))

    def rescaled(self, state: Affine, change: Rescaling) -> "LearnedField":
        """The same field of a state in other units: dx'/dt = network(x, u, s) / (a time_scale)."""
        return LearnedField(rescaled(self.network, _inputs(state, change, 1), change.time / state.factor))


class LearnedDiffusion(eqx.Module):
    """softplus(network(x, u, s)) / sqrt(time_scale), one standard deviation per state."""

    network: eqx.nn.MLP
    gain: Constant | None = None
    """Times as much, per state; None for 1."""

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        found = jax.nn.softplus(self.network(jnp.concatenate([x, u, s]))) / jnp.sqrt(scaling.time_scale)
        return found if self.gain is None else self.gain.value * found

    def rescaled(self, state: Affine, change: Rescaling) -> "LearnedDiffusion":
        """The same diffusion of a state in other units."""
        network = rescaled(self.network, _inputs(state, change, 1), np.ones(state.factor.size))
        gain = jnp.ones(state.factor.size) if self.gain is None else self.gain.value
        return LearnedDiffusion(network, Constant(multiplied(gain, change.time**0.5 / state.factor)))


class ConstantDiffusion(eqx.Module):
    """softplus(raw) / sqrt(time_scale): the same everywhere."""

    raw: Float[Array, " state"]

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        return jax.nn.softplus(self.raw) / jnp.sqrt(scaling.time_scale)

    def rescaled(self, state: Affine, change: Rescaling) -> "ConstantDiffusion":
        """The same diffusion of a state in other units."""
        return ConstantDiffusion(softplus_times(self.raw, change.time**0.5 / state.factor))


class LearnedMap(eqx.Module):
    """x + network(x, u, s)."""

    network: eqx.nn.MLP

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        return x + self.network(jnp.concatenate([x, u, s]))

    def still(self, states: Bool[np.ndarray, " state"]) -> "LearnedMap":
        """The same map, but that these states stay where they are."""
        return LearnedMap(silenced(self.network, states))

    def rescaled(self, state: Affine, change: Rescaling, ends: int) -> "LearnedMap":
        """The same map of a state in other units; of so many `ends` of a control's interval it is told."""
        return LearnedMap(rescaled(self.network, _inputs(state, change, ends), 1 / state.factor))


def softplus_times(
    raw: Float[Array, " entry"], factor: Float[np.ndarray, " entry"]
) -> Float[Array, " entry"]:
    """What softplus gives `factor` times as much of as of `raw`."""
    value = factor * np.logaddexp(0, np.asarray(raw, float))
    return array(value + np.log(-np.expm1(-value)), raw.dtype)


def _inputs(state: Affine, change: Rescaling, ends: int) -> Affine:
    return joined(state, *[change.control] * ends, change.static)
