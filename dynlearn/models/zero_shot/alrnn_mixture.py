"""ALRNNMixture: almost-linear recurrent experts that read a context and forecast a system they never saw."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from dynlearn.contract.checks.memory import check_memory
from dynlearn.contract.error_growth import Error, ErrorGrowth
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_count
from dynlearn.models.zero_shot.zero_shot import BEYOND, AbstractZeroShot, check_interval
from dynlearn.numerics.distributions.gaussian import Gaussian
from dynlearn.numerics.keys import as_key, split
from dynlearn.numerics.plain import plain
from dynlearn.parts.analogues.local_regression import Analogues, LocalRegression
from dynlearn.parts.analogues.views import COORDINATES, FEWEST, Views
from dynlearn.parts.cells.experts import AlmostLinearExperts
from dynlearn.parts.encoders.held import held_values
from dynlearn.parts.encoders.standardised import standardised
from dynlearn.parts.networks.networks import mlp
from dynlearn.trajectories.window import Window

STRETCH = 16
"""Samples that the reader sees at once."""
FEATURES = 10
"""Of a whole context: two plain ones, and what the reader gives."""


class Context(eqx.Module):
    """One group of coordinates of a context."""

    analogues: Analogues
    low: Float[Array, " coordinate"]
    high: Float[Array, " coordinate"]
    features: Float[Array, " feature"]
    """Of the whole context."""


class MixtureState(eqx.Module):
    z: Float[Array, "group unit"]
    """Coordinates, then hidden units."""
    before: Float[Array, "group coordinate"]
    """The coordinates a sample earlier."""
    context: Context
    """With a leading group axis."""
    location: Float[Array, " output"]
    scale: Float[Array, " output"]
    error: Error


class ALRNNMixture(AbstractZeroShot):
    r"""Experts, each an almost-linear recurrent network, weighed anew at every step by what a context says.

        z_{k+1} = sum_j g_j (A_j z_k + W_j phi(z_k) + B_j v_k + h_j),    g = softmax(gate(z_k, v_k, f))
        v_k = (local regressions of the context around z_k),    f = features of the whole context
        y = location + scale z[:p] + error

    The state's first units are the outputs as points of three coordinates, measured in deviations of the context
    around its mean (`parts.analogues.Views`: fewer than three outputs are completed by delays, more are forecast each
    by its own). At every step the context is asked where the run went from places like this one
    (`LocalRegression`, at four widths); the experts start as one that believes the narrowest answer, and training on
    many systems teaches them what to make of noise, of short contexts and of places that the context does not show.
    Nothing is fitted to the system forecast: `from_data` gives a model with the weights that come with the package,
    which forecasts any data of regular sampling at once. `dl.fitting.pretrain` trains others.

    A forecast stays within half the context's range above and below it, so that long ones do not diverge. Controls
    and static features are not read. The error's law is `ErrorGrowth`, of the systems that the weights were validated
    on, or of your data after `dl.fit(model, ds)`, which leaves the weights alone unless told `method="gradient"`.

    Args:
        signature: names, units, and the sampling interval.
        experts: J.
        latent: M, units of each expert; at least 3.
        nonlinear: P, how many of them are rectified.
        memory: samples of context that are read, at most.
        width: of the gate's two layers.
        scaling: units in which the error's law is; physical ones unless given.
        key: an int or a JAX key.

    Raises:
        ArgumentError: a signature without an interval, sizes that are no positive integers, fewer than 3 units, more
            rectified units than units.

    References: Hemmer, Durstewitz, "True zero-shot inference of dynamical systems preserving long-term statistics",
    NeurIPS 2025 (DynaMix), whose attention to the context is a regression here; Brenner et al., "Almost-linear RNNs
    yield highly interpretable symbolic codes in dynamical systems reconstruction", NeurIPS 2024.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("lorenz63", runs=1, length=300, dt=0.05, key=0)
    >>> model = dl.models.ALRNNMixture.from_data(ds)
    >>> dl.forecast(model, ds, horizon=20).sizes["time"]
    20
    """

    references: ClassVar[tuple[str, ...]] = ("hemmer2025true", "brenner2024almost", "sugihara1994nonlinear")
    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    experts: AlmostLinearExperts
    gate: eqx.nn.MLP
    regression: LocalRegression
    reader: eqx.nn.MLP
    """Of short stretches of the context; what they give on average is `f`."""
    guess: Float[Array, "hidden start"]
    noise: ErrorGrowth
    context: int = eqx.field(static=True, converter=plain)

    def __init__(
        self,
        signature: Signature,
        *,
        experts: int = 10,
        latent: int = 30,
        nonlinear: int = 10,
        memory: int = 512,
        width: int = 64,
        scaling: Scaling | None = None,
        key: int | Key[Array, ""],
    ):
        for name, size, least in (
            ("experts", experts, 1),
            ("latent", latent, COORDINATES),
            ("nonlinear", nonlinear, 0),
            ("width", width, 1),
        ):
            check_count(name, size, least)
        check_memory(memory, FEWEST + 2)
        if nonlinear > latent - COORDINATES:
            raise ArgumentError(
                f"ALRNNMixture: expected nonlinear <= latent - {COORDINATES} = {latent - COORDINATES}, got {nonlinear}."
            )
        check_interval("ALRNNMixture", signature)
        p = signature.outputs
        self.signature = signature
        self.scaling = Scaling.unit(p, signature.controls, signature.statics) if scaling is None else scaling
        self.regression = LocalRegression()
        for_experts, for_gate, for_reader, for_guess = split(as_key(key), 4)
        inputs = 3 * COORDINATES * self.regression.widths + FEATURES
        # As they start, the coordinates move as the narrowest regression says, which is what v begins with.
        self.experts = AlmostLinearExperts.random(
            experts, latent, nonlinear, inputs, follow=COORDINATES, key=for_experts
        )
        self.gate = mlp(latent + inputs, experts, width, 2, "silu", key=for_gate, last=0.1)
        self.reader = mlp(STRETCH * COORDINATES, FEATURES - 2, width // 2, 1, "silu", key=for_reader)
        self.guess = jax.random.normal(for_guess, (latent - COORDINATES, inputs)) / (2 * inputs**0.5)
        self.noise = ErrorGrowth.unit(p)
        self.context = memory

    @property
    def memory(self) -> int:
        return self.context

    @property
    def required(self) -> int:
        return min(2 * FEWEST, self.context)

    @property
    def latent_size(self) -> int:
        """M, the units of each expert."""
        return self.experts.h.shape[-1]

    @property
    def views(self) -> Views:
        """How the outputs become points of three coordinates."""
        return Views(self.signature.outputs)

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> MixtureState:
        y, location, scale = standardised(self.scaling.output(past.output), past.observed)
        point, known = self.views.points(y, past.observed)
        context = jax.vmap(self._read)(point, known)
        # A coordinate that was not measured now is what it was last.
        held, _ = self.views.points(*held_values(y, past.observed))
        z = jax.vmap(self._start)(held[:, -1], held[:, -2], context)
        enough = (context.analogues.seen.sum(1) >= FEWEST).all()
        z = jnp.where(enough, z, jnp.nan)
        return MixtureState(z, held[:, -2], context, location, scale, self.noise.start())

    def step(
        self,
        state: MixtureState,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> MixtureState:
        z = jax.vmap(self._advance)(state.z, state.before, state.context)
        error = self.noise.step(state.error, interval, key)
        return MixtureState(z, state.z[:, :COORDINATES], state.context, state.location, state.scale, error)

    def observe(self, state: MixtureState, control: Float[Array, " control"]) -> Gaussian:
        mean = state.location + state.scale * self.views.outputs(state.z[:, :COORDINATES])
        y = self.noise.predictive(mean, state.error)
        return Gaussian(self.scaling.output_inverse(y.mean), self.scaling.output_scale * y.scale)

    def _read(self, point: Float[Array, "time coordinate"], known: Bool[Array, " time"]) -> Context:
        analogues = Analogues.of(point, known)
        shown = known[:, None]
        low, high = (
            reach(jnp.where(shown, point, sign * jnp.inf), axis=0)
            for reach, sign in ((jnp.min, 1), (jnp.max, -1))
        )
        room = BEYOND * (high - low)
        return Context(analogues, low - room, high + room, self._features(analogues))

    def _features(self, analogues: Analogues) -> Float[Array, " feature"]:
        count = analogues.seen.sum()
        # Every fourth sample begins a stretch.
        begins = jnp.arange(0, self.context - STRETCH + 1, 4)
        within = begins[:, None] + jnp.arange(STRETCH)
        whole = analogues.seen[within].all(1)
        read = jax.vmap(self.reader)(analogues.point[within].reshape(len(begins), -1))
        average = jnp.where(whole[:, None], read, 0).sum(0) / jnp.maximum(whole.sum(), 1)
        plain = jnp.stack([jnp.log(analogues.step), jnp.log1p(count) / 3 - 2])
        return jnp.concatenate([plain, average])

    def _inputs(
        self, q: Float[Array, " coordinate"], before: Float[Array, " coordinate"], context: Context
    ) -> Float[Array, " input"]:
        local = self.regression(context.analogues, q, before)
        said = jnp.stack([local.change, local.mean, local.offset]) / context.analogues.step
        # Far from everything seen the regression extrapolates; what is read of it stays of the size of changes.
        return jnp.concatenate([10 * jnp.tanh(said / 10).ravel(), context.features])

    def _start(
        self, q: Float[Array, " coordinate"], before: Float[Array, " coordinate"], context: Context
    ) -> Float[Array, " unit"]:
        return jnp.concatenate([q, self.guess @ self._inputs(q, before, context)])

    def _advance(
        self, z: Float[Array, " unit"], before: Float[Array, " coordinate"], context: Context
    ) -> Float[Array, " unit"]:
        q = z[:COORDINATES]
        v = self._inputs(q, before, context)
        weight = jax.nn.softmax(self.gate(jnp.concatenate([z, v])))
        after = self.experts(z, v, weight)
        moved = q + context.analogues.step * after[:COORDINATES]
        return jnp.concatenate([jnp.clip(moved, context.low, context.high), after[COORDINATES:]])
