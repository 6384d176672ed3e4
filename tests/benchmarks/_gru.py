"""The peer of the long-memory benchmark: a gated recurrent unit under the same contract and the same inputs."""

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.contract.markers import AbstractParallel
from dynlearn.models import AbstractDeterministic, ErrorGrowth, Scaling, Signature
from dynlearn.numerics.distributions import Gaussian
from dynlearn.numerics.keys import as_key, split
from dynlearn.trajectories.window import Window


class GRUState(eqx.Module):
    h: Float[Array, " hidden"]
    output: Float[Array, " output"]
    error: Any


class GRU(AbstractParallel, AbstractDeterministic):
    """h_{k+1} = GRU([y_k, known_k, u_k], h_k),  y_{k+1} = y_k + F h_{k+1} + f, for complete, evenly sampled runs."""

    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    cell: eqx.nn.GRUCell
    decoder: eqx.nn.Linear
    noise: ErrorGrowth
    context: int = eqx.field(static=True)

    @classmethod
    def from_data(cls, ds: Any, *, hidden: int, memory: int, key: Any = 0) -> Self:
        signature = Signature.of(ds, discrete=True)
        p, m = signature.outputs, signature.controls
        for_cell, for_decoder = split(as_key(key), 2)
        cell = eqx.nn.GRUCell(2 * p + m, hidden, key=for_cell)
        decoder = jax.tree.map(lambda leaf: 0.1 * leaf, eqx.nn.Linear(hidden, p, key=for_decoder))
        return cls(signature, Scaling.of(ds), cell, decoder, ErrorGrowth.unit(p), memory)

    @property
    def method(self) -> str:
        return "gradient"

    @property
    def objective(self) -> str:
        return "multi_step"

    @property
    def memory(self) -> int:
        return self.context

    @property
    def required(self) -> int:
        return 1

    def infer(self, past: Window, *, key: Any = None) -> GRUState:
        h = self._scan(past)[0][-1]
        y = jnp.where(past.observed[-1], self.scaling.output(past.output[-1]), jnp.nan)
        return GRUState(h, y, self.noise.start())

    def step(
        self, state: GRUState, control: Array, time: Array, interval: Array, *, key: Any = None
    ) -> GRUState:
        known = jnp.ones_like(state.output)
        h = self.cell(jnp.concatenate([state.output, known, self.scaling.control(control)]), state.h)
        return GRUState(h, state.output + self.decoder(h), self.noise.step(state.error, interval, key))

    def observe(self, state: GRUState, control: Array) -> Gaussian:
        y = self.noise.predictive(state.output, state.error)
        return Gaussian(self.scaling.output_inverse(y.mean), self.scaling.output_scale * y.scale)

    def forced(self, window: Window) -> Array:
        return self._scan(window)[1]

    def _scan(self, window: Window) -> tuple[Array, Array]:
        y = jnp.where(window.observed, self.scaling.output(window.output), 0)[:-1]
        u = jnp.where(window.valid[:, None], self.scaling.control(window.control), 0)[:-1]
        tokens = jnp.concatenate([y, window.observed[:-1].astype(y.dtype), u], axis=1)

        def body(h, now):
            token, valid = now
            h = jnp.where(valid, self.cell(token, h), h)
            return h, h

        h = jax.lax.scan(body, jnp.zeros(self.cell.hidden_size, y.dtype), (tokens, window.valid[:-1]))[1]
        return h, self.scaling.output_inverse(y + jax.vmap(self.decoder)(h))
