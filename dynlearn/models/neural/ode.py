"""Neural ODE: a learned vector field in continuous time."""

import inspect
import math
from collections.abc import Callable
from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.error_growth import Error, ErrorGrowth
from dynlearn.contract.markers import (
    AbstractContinuous,
    AbstractDeterministic,
    AbstractSteady,
    AbstractWholePath,
)
from dynlearn.contract.model import with_fields
from dynlearn.contract.rescaling import AbstractRescalable, Rescaling
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_known
from dynlearn.models.neural.state_model import AbstractStateModel, check_sizes, fraction_of
from dynlearn.numerics.distributions.gaussian import Gaussian
from dynlearn.numerics.keys import as_key, split
from dynlearn.parts.encoders.encoder import Encoder
from dynlearn.parts.fields.given import Function, given
from dynlearn.parts.fields.learned import LearnedField
from dynlearn.parts.networks.networks import mlp
from dynlearn.solvers import Solver
from dynlearn.solvers.ode.adaptive import Adaptive
from dynlearn.solvers.ode.fixed import FixedStep
from dynlearn.solvers.ode.solve import solve_ode
from dynlearn.solvers.signals import Held, Linear
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.sampling import sampling
from dynlearn.trajectories.window import Window


class NeuralODEState(eqx.Module):
    x: Float[Array, "*horizon state"]
    """Scaled outputs, then hidden states."""
    static: Float[Array, "*horizon static"]
    error: Error


class NeuralODE(
    AbstractWholePath,
    AbstractContinuous,
    AbstractDeterministic,
    AbstractRescalable,
    AbstractSteady,
    AbstractStateModel,
):
    """Continuous-time dynamics with a network as vector field.

        dx/dt = f(x, u, s) / time_scale,    y = output_mean + output_scale * x[:p] + error,

    x = (the p scaled outputs, `hidden` further states), u the scaled controls, s the scaled static
    features, f a multilayer perceptron. The initial state is read off a window of the last `memory`
    samples by a learned encoder that takes their times and masks, so sampling may be uneven and
    outputs may be missing. The error's law is `ErrorGrowth`.

    Args:
        signature: names, units and hold; its `interval` is None.
        hidden: states beside the outputs (a velocity, an unmeasured quantity).
        memory: samples of the past the encoder looks at. 1 with `hidden=0` takes the last
            measured outputs as the state.
        width, depth, activation: of the vector field's network.
        field: instead of that network, dX/dt = field(t, X, u, s) with everything in physical
            units: a function of your own (known physics) or an Equinox module, whose arrays are
            then fitted. X = (outputs, `hidden` further states).
        solver: how an interval is crossed; `FixedStep("rk4", substeps)` or `Adaptive(...)`, which
            crosses a whole rollout in one solve.
        scaling: units to compute in; physical ones unless given.
        key: an int or a JAX key.

    Raises:
        ArgumentError: what is no solver for an ODE; sizes that are no positive integers (`hidden` may be 0); a
            `field` whose values do not look like its state.

    References: Chen, Rubanova, Bettencourt, Duvenaud, "Neural ordinary differential equations",
    NeurIPS 2018; Kidger, "On neural differential equations", 2022.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("pendulum", runs=4, length=50, key=0)
    >>> model = dl.models.NeuralODE.from_data(ds, hidden=0, width=16, key=0)
    >>> model.signature.output_names
    ('angle', 'velocity')

    >>> import jax.numpy as jnp
    >>> pendulum = lambda t, x, u, s: jnp.array([x[1], u[0] - 9.81 * jnp.sin(x[0])])
    >>> known = dl.models.NeuralODE.from_data(ds, field=pendulum, hidden=0, memory=1)
    """

    references: ClassVar[tuple[str, ...]] = ("chen2018neural",)
    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    field: Callable[..., Float[Array, " state"]]
    encoder: Encoder
    noise: ErrorGrowth
    solver: Solver

    def __init__(
        self,
        signature: Signature,
        *,
        hidden: int,
        memory: int = 10,
        width: int = 64,
        depth: int = 2,
        activation: str = "tanh",
        field: Function | None = None,
        solver: Solver | None = None,
        scaling: Scaling | None = None,
        key: int | Key[Array, ""],
    ):
        check_sizes(hidden, memory, width, depth)
        if solver is not None and not isinstance(solver, Solver):
            raise ArgumentError(
                f"NeuralODE: expected a solver such as dl.solvers.FixedStep('rk4') or dl.solvers.Adaptive(), "
                f"got {solver!r}."
            )
        for_field, for_encoder = split(as_key(key), 2)
        p, m, s = signature.outputs, signature.controls, signature.statics
        step = None if isinstance(solver, Adaptive) else signature.longest_step
        self.signature = signature.replace(interval=None, longest_step=step)
        self.scaling = Scaling.unit(p, m, s) if scaling is None else scaling
        if field is None:
            network = mlp(p + hidden + m + s, p + hidden, width, depth, activation, key=for_field, last=0.1)
            self.field = LearnedField(network)
        else:
            self.field = given("field", field, p + hidden, m, s)
        self.encoder = Encoder(p, m, hidden, memory, width, activation, key=for_encoder)
        self.noise = ErrorGrowth.unit(p)
        self.solver = FixedStep("rk4", 1) if solver is None else solver

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
            A model with random weights (those of a field of your own as they are), for `dl.fit`.

        Raises:
            ArgumentError: an unknown option, or one that the constructor refuses.
        """
        check_known("option", options, inspect.signature(cls).parameters)
        signature, substeps = continuous_signature(ds)
        options.setdefault("solver", FixedStep("rk4", substeps))
        hidden = signature.outputs if hidden is None else hidden
        return cls(signature, hidden=hidden, scaling=Scaling.of(ds), key=key, **options)

    @property
    def objective(self) -> str:
        return "multi_step"

    def rescaled(self, scaling: Scaling) -> Self:
        """A field of the user's own is in physical units already; an adaptive solver's tolerances are of scaled states,
        and its steps others then.
        """
        change = Rescaling.between(self.scaling, scaling)
        field = self.field
        if isinstance(field, LearnedField):
            field = field.rescaled(change.state(self.hidden), change)
        noise = self.noise.multiplied(1 / change.output.factor)
        return with_fields(
            self, scaling=scaling, field=field, encoder=self.encoder.rescaled(change), noise=noise
        )

    def steady(self, constant: Float[np.ndarray, " output"]) -> Self:
        """They stay what was measured last; with a field of the user's own nothing changes."""
        if not isinstance(self.field, LearnedField):
            return self
        outputs = np.isfinite(constant)
        states = np.concatenate([outputs, np.zeros(self.hidden, bool)])
        return with_fields(self, field=self.field.still(states), encoder=self.encoder.uncorrected(outputs))

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> NeuralODEState:
        x = self.encoder(past, self.scaling)
        return NeuralODEState(x, self.scaling.static(past.static), self.noise.start())

    def vector_field(
        self,
        time: Float[Array, ""],
        x: Float[Array, " state"],
        u: Float[Array, " control"],
        s: Float[Array, " static"],
    ) -> Float[Array, " state"]:
        """dx/dt of the scaled state, per unit of physical time; u and s scaled."""
        return self.field(time, x, u, s, self.scaling)

    def step(
        self,
        state: NeuralODEState,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> NeuralODEState:
        u = self.scaling.control(control)

        # The clock counts from the start of the interval: far from t = 0, float32 has no digits left
        # for where in the interval one is.
        def field(elapsed, x, *_):
            now = self.signature.hold.at(u, fraction_of(elapsed, interval))
            return self.vector_field(time + elapsed, x, now, state.static)

        ends = jnp.stack([jnp.zeros_like(interval), interval])
        x = solve_ode(field, state.x, ends, solver=self.solver).last
        return NeuralODEState(x, state.static, self.noise.step(state.error, interval, key))

    @property
    def whole_paths(self) -> bool:
        return isinstance(self.solver, Adaptive)

    def path(
        self,
        state: NeuralODEState,
        control: Float[Array, "instant control"],
        time: Float[Array, " instant"],
        interval: Float[Array, "instant-1"],
        *,
        key: Key[Array, ""] | None = None,
    ) -> NeuralODEState:
        elapsed = jnp.concatenate([jnp.zeros(1, interval.dtype), jnp.cumsum(interval)])
        signal = (Linear if self.signature.hold.known_at_end else Held)(
            elapsed, self.scaling.control(control)
        )

        def field(t, x, u, _):
            return self.vector_field(time[0] + t, x, u, state.static)

        def error(now, step):
            after = self.noise.step(now, *step)
            return after, after

        keys = None if key is None else jax.random.split(key, interval.shape[0])
        x = solve_ode(field, state.x, elapsed, control=signal, solver=self.solver).states[1:]
        static = jnp.broadcast_to(state.static, (*interval.shape, *state.static.shape))
        return NeuralODEState(x, static, jax.lax.scan(error, state.error, (interval, keys))[1])

    def observe(self, state: NeuralODEState, control: Float[Array, " control"]) -> Gaussian:
        y = self.noise.predictive(self.outputs_of(state.x), state.error)
        return Gaussian(self.scaling.output_inverse(y.mean), self.scaling.output_scale * y.scale)


def continuous_signature(ds: xr.Dataset) -> tuple[Signature, int]:
    """The signature of a continuous-time model of `ds`, and how many fixed steps should cross an interval.

    Data are usually sampled so that one step follows them; gaps in them get more steps.
    """
    found = sampling(ds)
    signature = Signature.of(ds, discrete=False).replace(longest_step=found.largest)
    if found.typical is None or found.largest is None:
        return signature, 1
    return signature, min(math.ceil(found.largest / (2 * found.typical)), 8)
