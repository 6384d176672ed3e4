"""Vector fields, diffusions and maps learned by networks, in scaled units."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.contract.scaling import Scaling


class LearnedField(eqx.Module):
    """network(x, u, s) / time_scale: of order one where the data change by a standard deviation in that time."""

    network: eqx.nn.MLP

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        return self.network(jnp.concatenate([x, u, s])) / scaling.time_scale


class LearnedDiffusion(eqx.Module):
    """softplus(network(x, u, s)) / sqrt(time_scale), one standard deviation per state."""

    network: eqx.nn.MLP

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        return jax.nn.softplus(self.network(jnp.concatenate([x, u, s]))) / jnp.sqrt(scaling.time_scale)


class ConstantDiffusion(eqx.Module):
    """softplus(raw) / sqrt(time_scale): the same everywhere."""

    raw: Float[Array, " state"]

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        return jax.nn.softplus(self.raw) / jnp.sqrt(scaling.time_scale)


class LearnedMap(eqx.Module):
    """x + network(x, u, s)."""

    network: eqx.nn.MLP

    def __call__(self, time, x, u, s, scaling: Scaling) -> Float[Array, " state"]:
        return x + self.network(jnp.concatenate([x, u, s]))
