"""PatchTransformer: attention over patches of a context, which forecasts a system it never saw."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from dynlearn.contract.checks.memory import check_memory
from dynlearn.contract.error_growth import Error, ErrorGrowth
from dynlearn.contract.markers import AbstractWholePath
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_count
from dynlearn.models.zero_shot.zero_shot import BEYOND, AbstractZeroShot, check_interval
from dynlearn.numerics.distributions.gaussian import Gaussian
from dynlearn.numerics.keys import as_key, split
from dynlearn.numerics.plain import plain
from dynlearn.numerics.precision import array
from dynlearn.parts.encoders.held import held_values
from dynlearn.parts.encoders.standardised import standardised
from dynlearn.parts.networks.patch_attention import Block, PatchEmbedding, normalised
from dynlearn.trajectories.window import Window


class PatchState(eqx.Module):
    """In deviations of the context around its mean."""

    past: Float[Array, "time output"]
    seen: Bool[Array, "time output"]
    ahead: Float[Array, "sample output"]
    """What is forecast after `past`."""
    place: Int[Array, ""]
    """How many samples of `ahead` have gone by."""
    location: Float[Array, " output"]
    scale: Float[Array, " output"]
    low: Float[Array, " output"]
    high: Float[Array, " output"]
    error: Error


class PatchTransformer(AbstractWholePath, AbstractZeroShot):
    r"""A transformer over patches: a context of several series in, a block of their next samples out.

        y_{k+1..k+n} = y_k + head(blocks(embed(patches of the context)))        in deviations of the context

    Each series is cut into patches; a token is made of a patch's samples, of products of pairs of them, and of which
    were measured. Blocks attend along time within a series, with rotary positions, and between the series at a patch,
    so that any number of outputs is taken. Longer forecasts go on from the model's own, block by block, and stay within
    half the context's range above and below it. Controls and static features are not read. The error's law is
    `ErrorGrowth`, as in `ALRNNMixture`.

    Args:
        signature: names, units, and the sampling interval.
        memory: samples of context; whole patches.
        patch: samples of a patch.
        ahead: n, samples forecast at once; whole patches.
        width: of a token; a multiple of `2 heads`.
        layers, heads: of the transformer.
        scaling: units in which the error's law is; physical ones unless given.
        key: an int or a JAX key.

    Raises:
        ArgumentError: a signature without an interval, sizes that are no positive integers or do not fit each other.

    References: Lai, Bao, Gilpin, "Panda: a pretrained forecast model for chaotic dynamics", 2025; Nie, Nguyen,
    Sinthong, Kalagnanam, "A time series is worth 64 words", ICLR 2023.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("lorenz63", runs=1, length=300, dt=0.05, key=0)
    >>> model = dl.models.PatchTransformer.from_data(ds)
    >>> dl.forecast(model, ds, horizon=20).sizes["time"]
    20
    """

    references: ClassVar[tuple[str, ...]] = ("lai2025panda", "nie2023time")
    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    embed: PatchEmbedding
    blocks: tuple[Block, ...]
    head: Float[Array, "token sample"]
    noise: ErrorGrowth
    context: int = eqx.field(static=True, converter=plain)
    patch: int = eqx.field(static=True, converter=plain)

    def __init__(
        self,
        signature: Signature,
        *,
        memory: int = 512,
        patch: int = 16,
        ahead: int = 64,
        width: int = 64,
        layers: int = 3,
        heads: int = 4,
        scaling: Scaling | None = None,
        key: int | Key[Array, ""],
    ):
        check_memory(memory)
        sizes = {"patch": patch, "ahead": ahead, "width": width, "layers": layers, "heads": heads}
        for name, size in sizes.items():
            check_count(name, size, 1)
        if memory % patch or ahead > memory:
            raise ArgumentError(
                f"PatchTransformer: expected a memory of whole patches of {patch} samples, no shorter than ahead = "
                f"{ahead}, got {memory}."
            )
        if width % (2 * heads):
            raise ArgumentError(
                f"PatchTransformer: expected a width that is a multiple of 2 heads = {2 * heads}, got {width}."
            )
        check_interval("PatchTransformer", signature)
        self.signature = signature
        unit = Scaling.unit(signature.outputs, signature.controls, signature.statics)
        self.scaling = unit if scaling is None else scaling
        for_embed, for_blocks, for_head = split(as_key(key), 3)
        self.embed = PatchEmbedding(patch, width, for_embed)
        self.blocks = tuple(Block(width, heads, k) for k in jax.random.split(for_blocks, layers))
        self.head = 0.1 * jax.random.normal(for_head, (2 * width, ahead)) / width**0.5
        self.noise = ErrorGrowth.unit(signature.outputs)
        self.context, self.patch = memory, patch

    @property
    def memory(self) -> int:
        return self.context

    @property
    def required(self) -> int:
        return min(2 * self.patch, self.context)

    @property
    def ahead(self) -> int:
        """Samples forecast at once."""
        return self.head.shape[1]

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> PatchState:
        value, location, scale = standardised(self.scaling.output(past.output), past.observed)
        y, _ = held_values(value, past.observed)
        enough = past.observed.sum(0) >= self.required
        low, high = y.min(0), y.max(0)
        room = BEYOND * (high - low)
        y = y.at[-1].set(jnp.where(enough, y[-1], jnp.nan))
        nothing, begun = jnp.zeros((self.ahead, y.shape[1])), array(0, int)
        reach = low - room, high + room
        error = self.noise.start()
        state = PatchState(y, past.observed, nothing, begun, location, scale, *reach, error)
        return self._read(state)

    def step(
        self,
        state: PatchState,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> PatchState:
        error = self.noise.step(state.error, interval, key)
        state = jax.lax.cond(state.place == self.ahead, lambda s: self._next(s), lambda s: s, state)
        return eqx.tree_at(lambda s: (s.place, s.error), state, (state.place + 1, error))

    @property
    def whole_paths(self) -> bool:
        return True

    def path(
        self,
        state: PatchState,
        control: Float[Array, "instant control"],
        time: Float[Array, " instant"],
        interval: Float[Array, "instant-1"],
        *,
        key: Key[Array, ""] | None = None,
    ) -> PatchState:
        steps, n = interval.shape[0], self.ahead

        @jax.checkpoint  # else a gradient keeps room for every block, needed or not
        def block(now: PatchState, i: Array) -> tuple[PatchState, PatchState]:
            # The state may stand anywhere in its block; what comes after the horizon is not asked for.
            needed = state.place + steps > n * (i + 1)
            return jax.lax.cond(needed, lambda s: self._next(s), lambda s: s, now), now

        _, blocks = jax.lax.scan(block, state, jnp.arange(steps // n + 2))
        place = state.place + jnp.arange(steps)
        states = jax.tree.map(lambda leaf: leaf[place // n], blocks)

        def error(now: Error, step: tuple) -> tuple[Error, Error]:
            after = self.noise.step(now, *step)
            return after, after

        keys = None if key is None else jax.random.split(key, steps)
        errors = jax.lax.scan(error, state.error, (interval, keys))[1]
        return eqx.tree_at(lambda s: (s.place, s.error), states, (place % n + 1, errors))

    def observe(self, state: PatchState, control: Float[Array, " control"]) -> Gaussian:
        scaled = jnp.concatenate([state.past[-1:], state.ahead])[state.place]
        y = self.noise.predictive(state.location + state.scale * scaled, state.error)
        return Gaussian(self.scaling.output_inverse(y.mean), self.scaling.output_scale * y.scale)

    def _next(self, state: PatchState) -> PatchState:
        """At the end of a block: what was forecast becomes past."""
        past = jnp.concatenate([state.past[self.ahead :], state.ahead])
        seen = jnp.concatenate([state.seen[self.ahead :], jnp.ones_like(state.ahead, bool)])
        moved = eqx.tree_at(
            lambda s: (s.past, s.seen, s.place), state, (past, seen, jnp.zeros_like(state.place))
        )
        return self._read(moved)

    def _read(self, state: PatchState) -> PatchState:
        cut = lambda x: x.T.reshape(x.shape[1], -1, self.patch)  # noqa: E731
        seen = cut(state.seen)
        present = seen.any(-1)
        tokens = self.embed(cut(state.past), seen)
        for block in self.blocks:
            tokens = block(tokens, present)
        tokens = normalised(tokens)
        weight = present / jnp.maximum(present.sum(-1, keepdims=True), 1)
        summary = jnp.concatenate([tokens[:, -1], (weight[..., None] * tokens).sum(1)], -1)
        ahead = state.past[-1] + (summary @ self.head).T
        return eqx.tree_at(lambda s: s.ahead, state, jnp.clip(ahead, state.low, state.high))
