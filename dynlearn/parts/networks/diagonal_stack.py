"""A stack of diagonal layers between a linear encoder and a linear decoder: one sample at a time, or all at once."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float, Key

from dynlearn.numerics.keys import split
from dynlearn.parts.networks.diagonal_layer import DiagonalLayer
from dynlearn.parts.networks.modes import Modes


class DiagonalStack(eqx.Module):
    r"""(value, known, u, s) of an instant and the interval after it -> the change of the outputs over it.

        v = E [value, known, u, s, log dt] + e,    v -> layer -> ... -> layer -> h,    F h + f

    Intervals are in units of a typical one. The changes start small: an untrained stack says that little moves.
    """

    encoder: eqx.nn.Linear
    layers: tuple[DiagonalLayer, ...]
    decoder: eqx.nn.Linear

    def __init__(
        self, inputs: int, outputs: int, width: int, layers: int, modes: Modes, *, key: Key[Array, ""]
    ):
        for_encoder, for_decoder, *for_layers = split(key, 2 + layers)
        self.encoder = eqx.nn.Linear(inputs + 1, width, key=for_encoder)
        self.layers = tuple(DiagonalLayer(width, modes, key=k) for k in for_layers)
        decoder = eqx.nn.Linear(width, outputs, key=for_decoder)
        self.decoder = jax.tree.map(lambda leaf: 0.1 * leaf, decoder)

    def start(self) -> Float[Array, "layer 2 mode"]:
        return jnp.stack([layer.start() for layer in self.layers])

    def step(
        self, x: Float[Array, "layer 2 mode"], inputs: Float[Array, " input"], interval: Float[Array, ""]
    ) -> tuple[Float[Array, "layer 2 mode"], Float[Array, " output"]]:
        """The layers' states after the interval, and the change over it."""
        v, after = self._encoded(inputs, interval), []
        for layer, now in zip(self.layers, x, strict=True):
            later, v = layer.step(now, v, interval)
            after.append(later)
        return jnp.stack(after), self.decoder(v)

    def scan(
        self, inputs: Float[Array, "time input"], interval: Float[Array, " time"]
    ) -> tuple[Float[Array, "layer 2 mode"], Float[Array, "time output"]]:
        """The layers' states after the last interval, and the change over every one; an interval of 0 is padding."""
        v, after = jax.vmap(self._encoded)(inputs, interval), []
        for layer in self.layers:
            x, v = layer.scan(v, interval)
            after.append(x[-1])
        return jnp.stack(after), jax.vmap(self.decoder)(v)

    def changing_only(self, outputs: Bool[Array, " output"]) -> "DiagonalStack":
        """The same, but that no other output than these ever changes."""
        decoder = self.decoder
        kept = jnp.where(outputs[:, None], decoder.weight, 0), jnp.where(outputs, decoder.bias, 0)
        return eqx.tree_at(lambda s: (s.decoder.weight, s.decoder.bias), self, kept)

    def eigenvalues(self) -> Complex[np.ndarray, "layer mode"]:
        """Of each layer, per typical interval."""
        return np.stack([np.asarray(layer.modes.eigenvalues, complex) for layer in self.layers])

    def _encoded(self, inputs: Float[Array, " input"], interval: Float[Array, ""]) -> Float[Array, " width"]:
        log = jnp.log(jnp.where(interval > 0, interval, 1))
        return self.encoder(jnp.concatenate([inputs, log[None]]))
