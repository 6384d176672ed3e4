"""NonlinearStateSpace: any transition, any observation, noise in both."""

import inspect
from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.checks.memory import check_memory
from dynlearn.contract.checks.outputs import check_outputs
from dynlearn.contract.markers import AbstractStochastic
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.contract.state_space import AbstractMarkov, markov
from dynlearn.errors import ArgumentError, check_count, check_known
from dynlearn.filtering.contract import AbstractInference
from dynlearn.filtering.methods.gaussian import Extended
from dynlearn.filtering.processes.process import Process
from dynlearn.models.linear.linear_state_space import LinearStateSpace
from dynlearn.models.nonlinear import _build as build
from dynlearn.models.recurrent.recurrent import AbstractPiecewiseLinearRNN
from dynlearn.numerics.distributions import Distribution
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian
from dynlearn.numerics.keys import as_key
from dynlearn.numerics.plain import plain
from dynlearn.parts.laws.emissions import Emission, physical
from dynlearn.parts.transitions.linear_systems import Initial
from dynlearn.parts.transitions.transitions import (
    BentTransition,
    CellTransition,
    ConstantNoise,
    Function,
    GivenNoise,
    GivenTransition,
    StateNoise,
)
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.window import Window


class NonlinearState(eqx.Module):
    x: Float[Array, " state"]
    static: Float[Array, " static"]
    """Scaled."""


class NonlinearStateSpace(AbstractMarkov, AbstractStochastic):
    """A state-space model in discrete time with learned or given functions.

        x_{k+1} = f(t_k, x_k, u_k, s) + g(t_k, x_k, u_k, s) w_k,    w ~ N(0, I),    x_0 ~ N(m0, P0),
        y_k     ~ law(h(x_k, s)),

    f a linear system that a network bends, h a linear map that a network bends, or functions of your
    own. Whether outputs are missing, wholly or in part, does not matter. `infer` is the model's method
    of inference over the last `memory` samples; forecasts are drawn paths. Fitted by the marginal
    likelihood (`objective="marginal_likelihood"`: by the filter; "expectation": Monte Carlo EM by the
    smoother), which the method approximates.

    Args:
        signature: names, units, and the sampling interval; zero hold.
        states: size of x.
        width, depth, activation: of the networks; width 0: none, f and h linear.
        transition: instead, x_{k+1} = transition(t, x, u, s): a function of your own, an Equinox
            module or `dl.torch.as_function(module, ...)`, whose arrays are then fitted. The state is in
            units of your own, everything else in physical ones.
        observation: instead, observation(x, s): the mean of the outputs in physical units; of counts the
            rate, of 0/1 outputs the probability of 1.
        noise: "constant" (any covariance) or "state" (a network: a standard deviation per state), or a
            function g(t, x, u, s) of your own: a standard deviation per state, or a factor `(state, noise)`.
            A negligible one, `lambda t, x, u, s: jnp.full(n, 1e-4)`, makes the likelihood that of the
            simulation error: for a model that is to run free over whole records.
        outputs: the law of the outputs: "gaussian", "student_t" (heavy tails), "poisson" and
            "negative_binomial" (counts), "bernoulli" (0 or 1).
        start: (mean, covariance) of the state at the first sample of a run, not fitted; (0, I) if not given.
        inference: "extended", "unscented", "ensemble", "particle", or an object with settings.
        memory: samples a forecast's state is filtered from.
        scaling: units to compute in.
        key: an int or a JAX key.

    Raises:
        ArgumentError: continuous time or linear hold; an unknown law, noise or method; a `start` or sizes that do
            not fit.

    References: Särkkä, Svensson, "Bayesian filtering and smoothing", 2nd ed. 2023; Schön, Wills, Ninness,
    "System identification of nonlinear state-space models", Automatica 2011.

    >>> import dynlearn as dl, jax.numpy as jnp
    >>> from dynlearn.models import NonlinearStateSpace, Signature
    >>> growth = lambda t, x, u, s: x + 0.1 * x * (1 - x / 50)
    >>> model = NonlinearStateSpace(
    ...     Signature(("count",), interval=1.0), states=1, transition=growth, observation=lambda x, s: jnp.abs(x),
    ...     outputs="poisson", start=([10.0], [[4.0]]), inference="particle", key=0,
    ... ).as_fitted()
    >>> ds = dl.from_arrays([[[9.0], [np.nan], [14.0]]], dt=1.0, output_names=["count"])
    >>> dl.filter(model, ds)["state_mean"].shape
    (1, 3, 1)
    """

    references: ClassVar[tuple[str, ...]] = ("sarkka2023bayesian", "schon2011system")
    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    transition: BentTransition | CellTransition | GivenTransition
    noise: ConstantNoise | StateNoise | GivenNoise
    emission: Emission
    initial: Initial
    states: int = eqx.field(static=True, converter=plain)
    inference: AbstractInference = eqx.field(static=True, default=Extended())
    memory: int = eqx.field(static=True, converter=plain, default=64)

    def __init__(
        self,
        signature: Signature,
        *,
        states: int,
        width: int = 32,
        depth: int = 1,
        activation: str = "tanh",
        transition: Function | None = None,
        observation: Function | None = None,
        noise: str | Function = "constant",
        outputs: str = "gaussian",
        start: tuple[object, object] | None = None,
        inference: str | AbstractInference = "extended",
        memory: int = 64,
        scaling: Scaling | None = None,
        key: int | Key[Array, ""],
    ):
        check_count("states", states, 1)
        check_count("width", width, 0)
        check_count("depth", depth, 1)
        check_memory(memory)
        build.check_signature(signature)
        p, m, s = signature.outputs, signature.controls, signature.statics
        network = build.networks(width, depth, activation, as_key(key))
        self.signature = signature
        self.scaling = build.scaling_for(outputs, Scaling.unit(p, m, s) if scaling is None else scaling)
        self.states = states
        self.transition = build.transition(transition, states, m, s, network)
        self.noise = build.noise(noise, states, m, s, network)
        self.emission = build.emission(observation, outputs, states, p, s, network)
        self.initial = build.initial(start, states)
        self.inference = build.inference(inference)
        self.memory = memory

    @classmethod
    @one_call
    def from_data(
        cls, ds: xr.Dataset, *, states: int | None = None, key: int | Key[Array, ""] = 0, **options
    ) -> Self:
        """Names, interval and scaling from the training data, and a linear system found in them to start from.

        Args:
            ds: the training data, sampled regularly.
            states: size of x; twice the number of outputs if not given (with a `transition` of your own it must be).
            key: an int or a JAX key, for the weights.
            options: further arguments of the constructor.

        Returns:
            A model that starts as that linear system where nothing else was given, for `dl.fit`.

        Raises:
            ArgumentError: a `transition` of your own without `states`; an unknown option, or one that the
                constructor refuses.
            SchemaError: irregular sampling.
        """
        check_known("option", options, inspect.signature(cls).parameters)
        signature = Signature.of(ds, discrete=True)
        build.check_signature(signature)
        if states is None:
            if options.get("transition") is not None:
                raise ArgumentError(
                    "NonlinearStateSpace: expected states=, the size of the state of the given transition, got None."
                )
            states = 2 * signature.outputs
        options.setdefault("scaling", Scaling.of(ds))
        model = cls(signature, states=states, key=key, **options)
        check_outputs(model, ds)
        return build.started(model, ds)

    @classmethod
    def around(
        cls,
        source: LinearStateSpace | AbstractPiecewiseLinearRNN,
        *,
        key: int | Key[Array, ""] = 0,
        **options,
    ) -> Self:
        """A model that starts as another one, with noise of the dynamics and any law of the outputs.

        Args:
            source: a `LinearStateSpace` in discrete time without feed-through (D = 0): its matrices, noises, start and
                scaling, and networks near zero. Or a recurrent model such as `ALRNN`: its map as the transition, its
                first units read out, its measurement noise, little noise of the dynamics, and no networks unless
                `width` says so; of counts or 0/1 outputs the read-out is linked to their mean.
            key: an int or a JAX key, for the weights.
            options: further arguments of the constructor.

        Returns:
            A model for `dl.fit`, with as many states as the source.

        Raises:
            ArgumentError: another model, or an option that the source already decides.

        >>> import dynlearn as dl
        >>> ds = dl.datasets.load("linear", runs=2, length=40, key=0)
        >>> linear = dl.models.LinearStateSpace.from_data(ds, states=2)
        >>> dl.models.NonlinearStateSpace.around(linear, width=8).states
        2
        """
        check_known("option", options, inspect.signature(cls).parameters)
        build.check_around(source, options)
        given = {
            "signature": source.signature,
            "scaling": source.scaling,
            "memory": source.memory,
            "key": key,
        }
        if isinstance(source, AbstractPiecewiseLinearRNN):
            sizes = {"states": len(source.pieces().h), "width": 0}
            return build.with_cell(cls(**{**given, **sizes, **options}), source)
        return build.with_system(cls(**{**given, "states": len(source.state_names), **options}), source)

    @property
    def objective(self) -> str:
        return "marginal_likelihood"

    @property
    def method(self) -> str:
        return "gradient"

    @property
    def required(self) -> int:
        return 1

    @property
    def state_names(self) -> tuple[str, ...]:
        return tuple(f"x{i}" for i in range(self.states))

    def as_fitted(self) -> Self:
        return eqx.tree_at(lambda m: m.emission, self, self.emission.as_fitted())

    def start(self, s: Float[Array, " static"]) -> MultivariateGaussian:
        return MultivariateGaussian(self.initial.mean, self.initial.chol)

    def move(
        self,
        x: Float[Array, " state"],
        u: Float[Array, " control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        s: Float[Array, " static"],
    ) -> MultivariateGaussian:
        known = time, x, u, s, self.scaling
        return MultivariateGaussian(self.transition(*known), self.noise(*known))

    def emit(self, x: Float[Array, " state"], s: Float[Array, " static"]) -> Distribution:
        return self.emission(x, s, self.scaling)

    def process(self, run: Window) -> Process:
        return markov(self, run)

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> NonlinearState:
        # The same cloud for every draw from it: a forecast filters once, whatever its samples.
        found = self.inference.filter(self.process(past), jax.random.key(0)).filtered
        now = jax.tree.map(lambda leaf: leaf[-1], found)
        x = now.mean if key is None else now.sample(key)
        return NonlinearState(jnp.where(past.observed.any(), x, jnp.nan), self.scaling.static(past.static))

    def step(
        self,
        state: NonlinearState,
        control: Float[Array, " control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> NonlinearState:
        law = self.move(state.x, self.scaling.control(control), time, interval, state.static)
        return NonlinearState(law.mean if key is None else law.sample(key), state.static)

    def observe(self, state: NonlinearState, control: Float[Array, " control"]) -> Distribution:
        return physical(self.emit(state.x, state.static), self.scaling)

    def parameters(self) -> dict[str, np.ndarray]:
        """The law's own parameters in physical units: covariance; width and freedom; size.

        Returns:
            Arrays on the host by name, those of the law that `outputs` named.
        """
        return build.parameters(self.emission, self.scaling)
