"""ContinuousDiscrete: a latent stochastic differential equation, measured at any instants through a network."""

import inspect
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.checks.memory import check_memory
from dynlearn.contract.markers import AbstractStochastic
from dynlearn.contract.model import with_fields
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.contract.state_space import AbstractMarkov, Into, markov
from dynlearn.errors import ArgumentError, check_count, check_known
from dynlearn.filtering.contract import AbstractInference, AbstractProcess
from dynlearn.filtering.kalman.chain import Chain
from dynlearn.filtering.methods.amortised import Amortised, AmortisedProcess, method_for
from dynlearn.filtering.methods.exact import Exact
from dynlearn.filtering.methods.gaussian import Extended
from dynlearn.filtering.processes.process import Process
from dynlearn.models.latent._process import AuxiliaryLaw, linear_chain
from dynlearn.models.neural.ode import continuous_signature
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian
from dynlearn.numerics.keys import as_key, split
from dynlearn.numerics.plain import plain
from dynlearn.parts.encoders.auxiliary import Decoder, Recognition, auxiliary_pair
from dynlearn.parts.fields.drifts import AbstractDrift, LinearDrift, drift_of
from dynlearn.parts.laws.measurement import Measurement
from dynlearn.parts.transitions.linear_systems import Noise
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.window import Window

DECODERS = ("network", "identity")


class ContinuousDiscreteState(eqx.Module):
    x: Float[Array, " state"]
    static: Float[Array, " static"]
    """Scaled."""


class ContinuousDiscrete(AbstractMarkov, AbstractStochastic):
    """A state that moves in continuous time, seen at discrete instants through auxiliary variables.

        dz = f(z, u, s) dt + G dB,    z(t_0) ~ N(m0, P0),
        a_k = H z(t_k) + e_k,    y_k ~ N(decoder(a_k), sigma^2),    q(a_k | y_k) = N(encoder(y_k, mask_k))

    f is "linear", F z + B u + c; "locally_linear", sum_j alpha_j(z) F_j z + B u + c with alpha the
    softmax of a network; or "nonlinear", a network. Given the auxiliary variables a the state is
    filtered by the Kalman filter in continuous time: exactly where f is linear, else with f made linear
    along the mean's path over every interval. Any instants, lengths and patterns of missing outputs:
    where nothing was measured there is no a_k. With `decoder="identity"` a_k is y_k itself, and there
    is nothing to draw. Fitted by the `elbo` of whole windows.

    Args:
        signature: names, units and hold; its `interval` is None.
        form: of the drift f.
        states: size of z.
        auxiliary: size of a; one per output unless given.
        decoder: "network" (affine map plus a perceptron, and such an encoder) or "identity".
        bases: matrices F_j of the locally linear form.
        width, depth, activation: of every perceptron.
        memory: samples `infer` filters over, started from N(m0, P0).
        substeps: Runge-Kutta steps per sampling interval, an even number; the linear form has no need of them.
        draws: of the auxiliary variables, in filtering and smoothing.
        scaling: units to compute in; physical ones unless given.
        key: an int or a JAX key.

    Raises:
        ArgumentError: an unknown form, decoder or option; a size that is no positive integer; an odd `substeps`.

    References: Ansari, Heng, Lim, Soh, "Neural continuous-discrete state space models for
    irregularly-sampled time series", ICML 2023; Jazwinski, "Stochastic processes and filtering theory", 1970.

    >>> import dynlearn as dl
    >>> import numpy as np
    >>> ds = dl.from_arrays(np.sin(0.3 * np.arange(60))[:, None], times=np.sqrt(np.arange(60.0)))
    >>> model = dl.models.ContinuousDiscrete.from_data(ds, form="linear", states=2, key=0)
    >>> model.state_names, model.objective
    (('z0', 'z1'), 'elbo')
    """

    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    drift: AbstractDrift
    start_mean: Float[Array, " state"]
    start_noise: Noise
    G: Noise
    """Per square root of `scaling.time_scale`."""
    H: Float[Array, "auxiliary state"]
    measurement: Measurement
    """Of the auxiliary variables."""
    recognition: Recognition | None
    decoder: Decoder | None
    """None where the auxiliary variables are the outputs."""
    memory: int = eqx.field(static=True, converter=plain, default=50)
    draws: int = eqx.field(static=True, converter=plain, default=16)

    def __init__(
        self,
        signature: Signature,
        *,
        form: str,
        states: int,
        auxiliary: int | None = None,
        decoder: str = "network",
        bases: int = 5,
        width: int = 32,
        depth: int = 1,
        activation: str = "softplus",
        memory: int = 50,
        substeps: int = 2,
        draws: int = 16,
        scaling: Scaling | None = None,
        key: int | Key[Array, ""],
    ):
        p, m, s = signature.outputs, signature.controls, signature.statics
        auxiliary = p if auxiliary is None else auxiliary
        _check(decoder, auxiliary, p, substeps)
        sizes = {"states": states, "auxiliary": auxiliary, "bases": bases, "width": width, "depth": depth}
        check_memory(memory)
        for name, size in {**sizes, "draws": draws}.items():
            check_count(name, size, 1)
        for_drift, for_pair = split(as_key(key), 2)
        networks: Any = {"width": width, "depth": depth, "activation": activation}
        step = None if form == "linear" else signature.longest_step
        self.signature = signature.replace(interval=None, longest_step=step)
        self.scaling = Scaling.unit(p, m, s) if scaling is None else scaling
        self.drift = drift_of(form, states, m + s, bases=bases, substeps=substeps, key=for_drift, **networks)
        self.start_mean, self.start_noise = jnp.zeros(states), Noise(jnp.eye(states))
        self.G = Noise(0.3 * jnp.eye(states))
        self.H = jnp.eye(auxiliary, states)
        self.measurement = Measurement.of(jnp.full(auxiliary, 0.3), fitted=False)
        self.recognition, self.decoder = None, None
        if decoder == "network":
            self.recognition, self.decoder = auxiliary_pair(p, auxiliary, **networks, key=for_pair)
        self.memory, self.draws = memory, draws

    @classmethod
    @one_call
    def from_data(
        cls,
        ds: xr.Dataset,
        *,
        form: str = "nonlinear",
        states: int | None = None,
        auxiliary: int | None = None,
        key: int | Key[Array, ""] = 0,
        **options,
    ) -> Self:
        """Names, sizes, hold and scaling from the training data; two states per auxiliary variable unless given.

        Args:
            ds: the training data, sampled in any way.
            form: of the drift: "linear", "locally_linear" or "nonlinear".
            states: size of z.
            auxiliary: size of a; one per output unless given.
            key: an int or a JAX key, for the weights.
            options: further arguments of the constructor.

        Returns:
            A model with random weights, for `dl.fit`.

        Raises:
            ArgumentError: an unknown option, or one that the constructor refuses.
        """
        check_known("option", options, inspect.signature(cls).parameters)
        signature, pieces = continuous_signature(ds)
        options.setdefault("substeps", 2 * pieces)
        auxiliary = signature.outputs if auxiliary is None else auxiliary
        states = 2 * auxiliary if states is None else states
        return cls(
            signature,
            form=form,
            states=states,
            auxiliary=auxiliary,
            scaling=Scaling.of(ds),
            key=key,
            **options,
        )

    @property
    def objective(self) -> str:
        return "elbo"

    @property
    def method(self) -> str:
        return "gradient"

    @property
    def required(self) -> int:
        return 1

    @property
    def state_names(self) -> tuple[str, ...]:
        return tuple(f"z{i}" for i in range(self.start_mean.shape[-1]))

    @property
    def inference(self) -> AbstractInference:
        """Over draws of the auxiliary variables; without these, the Kalman filter."""
        if self.decoder is not None:
            return Amortised(self.draws)
        return Exact() if isinstance(self.drift, LinearDrift) else Extended()

    @property
    def references(self) -> tuple[str, ...]:
        """The filter that the latent process has, given the auxiliary variables, is a part of the method."""
        latent = Exact() if isinstance(self.drift, LinearDrift) else Extended()
        return ("ansari2023neural", *latent.references)

    def as_fitted(self) -> Self:
        return eqx.tree_at(lambda m: m.measurement, self, self.measurement.as_fitted())

    def start(self, s: Float[Array, " static"]) -> MultivariateGaussian:
        """N(m0, P0), the same whatever the static features `s`."""
        return MultivariateGaussian(self.start_mean, self.start_noise.chol)

    def move(
        self,
        x: Float[Array, " state"],
        u: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        s: Float[Array, " static"],
    ) -> MultivariateGaussian:
        """z an `interval` later, the drift made linear along the mean's path; `time` has no part in it.

        Args:
            x: z at the start.
            u, s: the scaled control, at both ends of the interval, and static features.
            time, interval: in the model's time unit.
        """
        scaled = self._scaled(interval)
        return MultivariateGaussian(*self.drift.moved(x, self._inputs(u, s), scaled, self.G.chol))

    def emit(self, x: Float[Array, " state"], s: Float[Array, " static"]) -> MultivariateGaussian:
        """The outputs at z = `x`, through the tangent of the decoder at the auxiliary variables' mean; without `s`."""
        a, chol_R = self.H @ x, jnp.diag(self.measurement.sigma)
        if self.decoder is None:
            return MultivariateGaussian(a, chol_R)
        chol = jnp.concatenate([jax.jacfwd(self.decoder)(a) @ chol_R, jnp.diag(self.decoder.sigma)], axis=1)
        return MultivariateGaussian(self.decoder(a), chol)

    def process(self, run: Window) -> AbstractProcess:
        """One run: measured by auxiliary variables, or by the outputs where these are the same."""
        whole, s = markov(self, run), self.scaling.static(run.static)
        law = AuxiliaryLaw(self.H, self.measurement.sigma)
        latent = eqx.tree_at(lambda p: p.emit, whole, law)
        if self.decoder is None or self.recognition is None:
            return self._exact(latent, law, s)
        measured = ~jnp.isnan(whole.y)
        mean, scale = jax.vmap(self.recognition)(jnp.where(measured, whole.y, 0), measured)
        latent = eqx.tree_at(lambda p: p.y, latent, jnp.full_like(mean, jnp.nan))
        return AmortisedProcess(
            self._exact(latent, law, s),
            mean,
            scale,
            measured.any(-1),
            self.decoder,
            self.decoder.sigma,
            whole.y,
        )

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> ContinuousDiscreteState:
        """The filter over `past`, given the auxiliary variables' means, or with a key a draw of them and of z.

        Under linear hold the control at the last instant is not known yet and taken to be the one before.
        """
        if self.signature.hold.known_at_end and past.length > 1:
            past = eqx.tree_at(lambda w: w.control, past, past.control.at[-1].set(past.control[-2]))
        for_a, for_z = (None, None) if key is None else jax.random.split(key)
        latent: Any = self.process(past)
        if isinstance(latent, AmortisedProcess):
            latent = latent.given(latent.mean if for_a is None else latent.drawn(for_a))
        found: Any = method_for(latent).filter(latent, jax.random.key(0)).filtered.components
        mean, chol = found.mean[-1, 0], found.chol[-1, 0]
        if for_z is not None:
            mean = MultivariateGaussian(mean, chol).sample(for_z)
        return ContinuousDiscreteState(
            jnp.where(past.observed.any(), mean, jnp.nan), self.scaling.static(past.static)
        )

    def step(
        self,
        state: ContinuousDiscreteState,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> ContinuousDiscreteState:
        law = self.move(state.x, self.scaling.control(control), time, interval, state.static)
        return ContinuousDiscreteState(law.mean if key is None else law.sample(key), state.static)

    def observe(
        self, state: ContinuousDiscreteState, control: Float[Array, " control"]
    ) -> MultivariateGaussian:
        y = self.emit(state.x, state.static)
        return MultivariateGaussian(
            self.scaling.output_inverse(y.mean), self.scaling.output_scale[:, None] * y.chol
        )

    def with_memory(self, memory: int) -> Self:
        """This model, filtering over the last `memory` samples: trained on short windows, it may look back further."""
        check_memory(memory)
        return with_fields(self, memory=memory)

    def finer(self, pieces: int) -> Self:
        return with_fields(self, drift=self.drift.finer(pieces))

    def _scaled(self, interval: Float[Array, ""]) -> Float[Array, ""]:
        # The noise of an interval of length 0, which padding makes, has an infinite slope in it.
        return interval / jax.lax.stop_gradient(self.scaling.time_scale)

    def _inputs(
        self, u: Float[Array, "*ends control"], s: Float[Array, " static"]
    ) -> Float[Array, "2 input"]:
        """Controls and static features at the two ends of an interval."""
        ends = jnp.stack(self.signature.hold.both(u))
        return jnp.concatenate([ends, jnp.stack([s, s])], axis=1)

    def _exact(self, latent: Process, law: AuxiliaryLaw, s: Float[Array, " static"]) -> Chain | Process:
        """As a linear chain where the drift is linear."""
        drift = self.drift
        if not isinstance(drift, LinearDrift):
            return latent

        def crossed(into: Into) -> tuple[Array, Array, Array]:
            return drift.transition(self._inputs(into.u, s), self._scaled(into.interval), self.G.chol)

        return linear_chain(latent, law, crossed)


def _check(decoder: str, auxiliary: int, outputs: int, substeps: int) -> None:
    check_known("decoder", [decoder], DECODERS)
    if decoder == "identity" and auxiliary != outputs:
        raise ArgumentError(
            f"auxiliary: with decoder='identity' these are the {outputs} outputs, got {auxiliary}; leave it out, "
            f"or use decoder='network'."
        )
    check_count("substeps", substeps, 2)
    if substeps % 2:
        raise ArgumentError(
            f"substeps: expected an even number (Simpson's rule goes in pairs), got {substeps}; use {substeps + 1}."
        )
