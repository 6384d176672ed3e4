"""Encoder: the state at the last instant of a masked, unevenly sampled window."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from dynlearn.contract.rescaling import Affine, Rescaling, joined
from dynlearn.contract.scaling import Scaling
from dynlearn.numerics.fixed import Constant
from dynlearn.numerics.plain import plain
from dynlearn.parts.networks.networks import mlp
from dynlearn.parts.networks.rescaled import rescaled, silenced
from dynlearn.trajectories.window import Window


class Encoder(eqx.Module):
    """Last measured value of each output, corrected by a network that sees the whole window.

    The network gets, for each of `memory` samples, the outputs relative to their last value, the
    mask, the controls and the time before the present. It starts near zero, so an untrained model
    starts from what was last measured. Where an output was never measured the state is NaN.
    """

    network: eqx.nn.MLP | None
    memory: int = eqx.field(static=True, converter=plain)
    hidden: int = eqx.field(static=True, converter=plain)
    before: Constant | None
    """The scaled controls that stand before the start of a run; None for 0, as which they were learned."""

    def __init__(
        self,
        outputs: int,
        controls: int,
        hidden: int,
        memory: int,
        width: int,
        activation: str,
        *,
        key: Key[Array, ""],
    ):
        self.memory, self.hidden, self.before = memory, hidden, None
        features = outputs + memory * (2 * outputs + controls + 1)
        trivial = memory == 1 and hidden == 0
        self.network = (
            None if trivial else mlp(features, outputs + hidden, width, 2, activation, key=key, last=0.1)
        )

    def __call__(self, past: Window, scaling: Scaling) -> Float[Array, " state"]:
        y = scaling.output(past.output)
        last = last_measured(y, past.observed)
        if self.network is None:
            return last
        known = jnp.where(jnp.isfinite(last), last, 0)
        before = 0 if self.before is None else self.before.value
        u = jnp.where(past.valid[:, None], scaling.control(past.control), before).at[-1].set(0)
        features = [
            jnp.where(past.observed, y - known, 0),
            past.observed.astype(y.dtype),
            u,
            jnp.where(past.valid, past.lag / scaling.time_scale, 0)[:, None],
        ]
        correction = self.network(jnp.concatenate([known, *map(jnp.ravel, features)]))
        return jnp.concatenate([last, jnp.zeros(self.hidden, y.dtype)]) + correction

    def uncorrected(self, outputs: Bool[np.ndarray, " output"]) -> "Encoder":
        """The same, but that these outputs are what was measured last."""
        if self.network is None:
            return self
        quiet = np.concatenate([outputs, np.zeros(self.hidden, bool)])
        return eqx.tree_at(lambda e: e.network, self, silenced(self.network, quiet))

    def rescaled(self, change: Rescaling) -> "Encoder":
        """The same states in other units."""
        if self.network is None:
            return self
        p, m, k = change.output.factor.size, change.control.factor.size, self.memory
        differences = Affine(np.tile(change.output.factor, k), np.zeros(k * p))
        # The control of the present instant is 0 whatever it is.
        controls = [change.control] * (k - 1) + [Affine.unchanged(m)]
        lags = Affine(np.full(k, change.time), np.zeros(k))
        inputs = joined(change.output, differences, Affine.unchanged(k * p), *controls, lags)
        network = rescaled(self.network, inputs, 1 / change.state(self.hidden).factor)
        before = jnp.zeros(m) if self.before is None else self.before.value
        changed = network, Constant(change.control.backward(before))
        return eqx.tree_at(lambda e: (e.network, e.before), self, changed, is_leaf=lambda node: node is None)


def last_measured(y: Float[Array, "time output"], observed: Array) -> Float[Array, " output"]:
    """The most recent measured value of each output; NaN where there is none."""
    index = jnp.where(observed, jnp.arange(y.shape[0])[:, None], -1).max(axis=0)
    value = jnp.take_along_axis(y, jnp.maximum(index, 0)[None], axis=0)[0]
    return jnp.where(index >= 0, value, jnp.nan)
