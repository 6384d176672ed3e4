"""Neural SDE: a learned drift and a learned diffusion."""

import inspect
from collections.abc import Callable
from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.markers import AbstractContinuous, AbstractStochastic
from dynlearn.contract.model import with_fields
from dynlearn.contract.rescaling import AbstractRescalable, Rescaling
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.contract.state_space import AbstractMarkov, markov
from dynlearn.errors import ArgumentError, check_known
from dynlearn.filtering.contract import AbstractInference
from dynlearn.filtering.methods.gaussian import Extended
from dynlearn.filtering.processes.process import Process
from dynlearn.models.neural.ode import continuous_signature
from dynlearn.models.neural.state_model import AbstractStateModel, check_sizes, fraction_of
from dynlearn.numerics.activations import inverse_softplus
from dynlearn.numerics.distributions.gaussian import Gaussian, MultivariateGaussian
from dynlearn.numerics.keys import as_key, split
from dynlearn.numerics.linear.flow import flow
from dynlearn.parts.encoders.encoder import Encoder
from dynlearn.parts.fields.given import Function, given
from dynlearn.parts.fields.learned import ConstantDiffusion, LearnedDiffusion, LearnedField, softplus_times
from dynlearn.parts.laws.measurement import Measurement
from dynlearn.parts.networks.networks import mlp
from dynlearn.solvers.ode.fixed import FixedStep
from dynlearn.solvers.ode.solve import solve_ode
from dynlearn.solvers.sde.fixed import StochasticStep
from dynlearn.solvers.sde.solve import solve_sde
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.window import Window

NOISE = ("diagonal", "additive")
MEAN = {"euler_maruyama": "euler", "milstein": "euler", "heun": "heun", "sra1": "heun"}
"""The scheme a stochastic one becomes where there is no noise."""


class NeuralSDEState(eqx.Module):
    x: Float[Array, " state"]
    """Scaled outputs, then hidden states."""
    static: Float[Array, " static"]


class NeuralSDE(
    AbstractContinuous, AbstractStochastic, AbstractRescalable, AbstractStateModel, AbstractMarkov
):
    """Stochastic dynamics in continuous time, drift and diffusion learned.

        dx = f(x, u, s) dt + g(x, u, s) dW (Ito),    y = output_mean + output_scale * (x[:p] + sigma eps),

    x = (the p scaled outputs, `hidden` further states), one Brownian motion per state, f and
    g multilayer perceptrons in scaled time. The initial state is read off a window of the
    last `memory` samples by a learned encoder, and is known up to `uncertainty`. Fitted by the energy
    score of drawn paths, a proper score: unlike a squared error it does not drive the noise to zero.

    For `dl.filter` and its kin the state at a run's first sample is N(0, I) in scaled units, and an
    interval is crossed by the mean's path with the noise linear around it. `infer` is the encoder,
    a filter learned with the dynamics, because a forecast has to start from few samples.

    Args:
        signature: names, units and hold; its `interval` is None.
        hidden, memory, width, depth, activation: as in `NeuralODE`.
        noise: "diagonal", a diffusion that depends on the state, or "additive", a constant one.
        field, diffusion: functions f(t, X, u, s) of your own instead, in physical units (the
            diffusion: one standard deviation per state and square root of time).
        solver: `StochasticStep(scheme, substeps)`.
        scaling: units to compute in; physical ones unless given.
        key: an int or a JAX key.

    Raises:
        ArgumentError: an unknown `noise`; what is no such solver; a `diffusion` of your own with additive noise;
            sizes that are no positive integers (`hidden` may be 0).

    References: Kidger, Foster, Li, Lyons, "Neural SDEs as infinite-dimensional GANs", ICML 2021;
    Gneiting, Raftery, "Strictly proper scoring rules", JASA 2007.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=4, length=50, key=0)
    >>> model = dl.models.NeuralSDE.from_data(ds, hidden=0, memory=1, width=16, key=0)
    >>> model.objective
    'energy'
    """

    references: ClassVar[tuple[str, ...]] = ("kidger2021sdes",)
    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    field: Callable[..., Float[Array, " state"]]
    diffusion_field: Callable[..., Float[Array, " state"]]
    encoder: Encoder
    uncertainty: Float[Array, " state"]
    """softplus^-1 of the standard deviation with which the initial state is known."""
    measurement: Measurement
    solver: StochasticStep
    noise: str = eqx.field(static=True)

    def __init__(
        self,
        signature: Signature,
        *,
        hidden: int,
        memory: int = 10,
        width: int = 64,
        depth: int = 2,
        activation: str = "tanh",
        noise: str = "diagonal",
        field: Function | None = None,
        diffusion: Function | None = None,
        solver: StochasticStep | None = None,
        scaling: Scaling | None = None,
        key: int | Key[Array, ""],
    ):
        check_sizes(hidden, memory, width, depth)
        check_known("noise", [noise], NOISE)
        if solver is not None and not isinstance(solver, StochasticStep):
            raise ArgumentError(
                f"NeuralSDE: expected a solver such as dl.solvers.StochasticStep('euler_maruyama', substeps=2), "
                f"got {solver!r}."
            )
        if diffusion is not None and noise == "additive":
            raise ArgumentError(
                "NeuralSDE: a diffusion of your own may depend on the state; leave out noise='additive'."
            )
        p, m, s = signature.outputs, signature.controls, signature.statics
        n = p + hidden
        for_field, for_encoder, for_diffusion = split(as_key(key), 3)
        self.signature = signature.replace(interval=None)
        self.scaling = Scaling.unit(p, m, s) if scaling is None else scaling

        def network(key, last):
            return mlp(n + m + s, n, width, depth, activation, key=key, last=last)

        self.field = (
            LearnedField(network(for_field, 0.1)) if field is None else given("field", field, n, m, s)
        )
        if diffusion is not None:
            self.diffusion_field = given("diffusion", diffusion, n, m, s)
        elif noise == "additive":
            self.diffusion_field = ConstantDiffusion(jnp.full(n, _raw(0.3)))
        else:
            self.diffusion_field = LearnedDiffusion(_centred(network(for_diffusion, 0.1), _raw(0.3)))
        self.encoder = Encoder(p, m, hidden, memory, width, activation, key=for_encoder)
        self.uncertainty = jnp.full(n, _raw(0.1))
        self.measurement = Measurement.of(jnp.full(p, 0.1), fitted=False)
        self.solver = StochasticStep("euler_maruyama", 1) if solver is None else solver
        self.noise = noise

    @classmethod
    @one_call
    def from_data(
        cls, ds: xr.Dataset, *, hidden: int | None = None, key: int | Key[Array, ""] = 0, **options
    ) -> Self:
        """Names, sizes, hold and scaling from the training data.

        Args:
            ds: the training data, sampled in any way.
            hidden: states beside the outputs; one per output if not given.
            key: an int or a JAX key, for the weights.
            options: further arguments of the constructor.

        Returns:
            A model with random weights (those of fields of your own as they are), for `dl.fit`.

        Raises:
            ArgumentError: an unknown option, or one that the constructor refuses.
        """
        check_known("option", options, inspect.signature(cls).parameters)
        signature, substeps = continuous_signature(ds)
        options.setdefault("solver", StochasticStep("euler_maruyama", substeps))
        hidden = signature.outputs if hidden is None else hidden
        return cls(signature, hidden=hidden, scaling=Scaling.of(ds), key=key, **options)

    @property
    def objective(self) -> str:
        return "energy"

    def rescaled(self, scaling: Scaling) -> Self:
        """A field or a diffusion of the user's own is in physical units already."""
        change = Rescaling.between(self.scaling, scaling)
        state = change.state(self.hidden)
        field, diffusion = (
            one.rescaled(state, change)
            if isinstance(one, LearnedField | LearnedDiffusion | ConstantDiffusion)
            else one
            for one in (self.field, self.diffusion_field)
        )
        measured = softplus_times(self.measurement.raw, 1 / change.output.factor)
        return with_fields(
            self,
            scaling=scaling,
            field=field,
            diffusion_field=diffusion,
            encoder=self.encoder.rescaled(change),
            uncertainty=softplus_times(self.uncertainty, 1 / state.factor),
            measurement=Measurement(measured, self.measurement.fitted),
        )

    def as_fitted(self) -> Self:
        return eqx.tree_at(lambda m: m.measurement, self, self.measurement.as_fitted())

    @property
    def state_names(self) -> tuple[str, ...]:
        return (*self.signature.output_names, *(f"hidden{i}" for i in range(self.hidden)))

    @property
    def inference(self) -> AbstractInference:
        return Extended()

    def start(self, s: Float[Array, " static"]) -> MultivariateGaussian:
        size = self.signature.outputs + self.hidden
        return MultivariateGaussian(jnp.zeros(size), jnp.eye(size))

    def move(
        self,
        x: Float[Array, " state"],
        u: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        s: Float[Array, " static"],
    ) -> MultivariateGaussian:
        """The mean's path and the noise around it, the diffusion as it is at the start of each two steps."""

        def drift(x: Array, fraction: Array) -> Array:
            return self.vector_field(time + fraction * interval, x, self.signature.hold.at(u, fraction), s)

        def diffusion(x: Array, fraction: Array) -> Array:
            now = self.signature.hold.at(u, fraction)
            return jnp.diag(self.diffusion(time + fraction * interval, x, now, s))

        even = 2 * -(-self.solver.substeps // 2)
        return MultivariateGaussian(*flow(drift, diffusion, x, interval, even))

    def finer(self, pieces: int) -> Self:
        return with_fields(self, solver=StochasticStep(self.solver.scheme, pieces * self.solver.substeps))

    def emit(self, x: Float[Array, " state"], s: Float[Array, " static"]) -> Gaussian:
        return self.measurement.predictive(self.outputs_of(x))

    def process(self, run: Window) -> Process:
        return markov(self, run)

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> NeuralSDEState:
        x = self.encoder(past, self.scaling)
        if key is not None:
            x = x + jax.nn.softplus(self.uncertainty) * jax.random.normal(key, x.shape, x.dtype)
        return NeuralSDEState(x, self.scaling.static(past.static))

    def vector_field(
        self,
        time: Float[Array, ""],
        x: Float[Array, " state"],
        u: Float[Array, " control"],
        s: Float[Array, " static"],
    ) -> Float[Array, " state"]:
        """The drift of the scaled state, per unit of physical time; u and s scaled."""
        return self.field(time, x, u, s, self.scaling)

    def diffusion(
        self,
        time: Float[Array, ""],
        x: Float[Array, " state"],
        u: Float[Array, " control"],
        s: Float[Array, " static"],
    ) -> Float[Array, " state"]:
        """Standard deviation of each scaled state, per square root of physical time; u and s scaled.

        Args:
            time: the instant, in the model's time unit, physical.
            x: the scaled state.
            u, s: the scaled control and static features.
        """
        return self.diffusion_field(time, x, u, s, self.scaling)

    def step(
        self,
        state: NeuralSDEState,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> NeuralSDEState:
        u = self.scaling.control(control)
        ends = jnp.stack([jnp.zeros_like(interval), interval])

        def along(function):
            def at(elapsed, x, *_):
                now = self.signature.hold.at(u, fraction_of(elapsed, interval))
                return function(time + elapsed, x, now, state.static)

            return at

        drift = along(self.vector_field)
        if key is None:
            solver = FixedStep(MEAN[self.solver.scheme], self.solver.substeps)
            x = solve_ode(drift, state.x, ends, solver=solver).last
        else:
            x = solve_sde(
                drift, along(self.diffusion), state.x, ends, key=key, noise="diagonal", solver=self.solver
            ).last
        return NeuralSDEState(x, state.static)

    def observe(self, state: NeuralSDEState, control: Float[Array, " control"]) -> Gaussian:
        y = self.measurement.predictive(self.outputs_of(state.x))
        return Gaussian(self.scaling.output_inverse(y.mean), self.scaling.output_scale * y.scale)


def _raw(sigma: float) -> float:
    """softplus^-1."""
    return float(inverse_softplus(sigma))


def _centred(network: eqx.nn.MLP, value: float) -> eqx.nn.MLP:
    """With the last layer's bias at `value`, so that training starts from a diffusion of moderate size."""
    return eqx.tree_at(lambda n: n.layers[-1].bias, network, replace_fn=lambda b: jnp.full_like(b, value))
