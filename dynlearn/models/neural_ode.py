"""Neural ODE: a learned vector field in continuous time."""

import inspect
import math
from collections.abc import Callable
from typing import Self

import equinox as eqx
import jax.numpy as jnp
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.errors import ArgumentError, check_count, check_known
from dynlearn.models._encoder import Encoder
from dynlearn.models._error_growth import Error, ErrorGrowth
from dynlearn.models._model import AbstractContinuous, AbstractDeterministic
from dynlearn.models._networks import mlp
from dynlearn.models._scaling import Scaling
from dynlearn.models._signature import Signature
from dynlearn.numerics.distributions import Gaussian
from dynlearn.numerics.keys import as_key, split
from dynlearn.numerics.window import Window
from dynlearn.solvers import Adaptive, FixedStep, Solver
from dynlearn.trajectories.sampling import sampling


class NeuralODEState(eqx.Module):
    x: Float[Array, " state"]
    """Scaled outputs, then hidden states."""
    static: Float[Array, " static"]
    error: Error


class NeuralODE(AbstractContinuous, AbstractDeterministic):
    r"""Continuous-time dynamics with a network as vector field.

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
        solver: how an interval is crossed; `FixedStep("rk4", substeps)` or `Adaptive(...)`.
        key: an int or a JAX key.

    References: Chen, Rubanova, Bettencourt, Duvenaud, "Neural ordinary differential equations",
    NeurIPS 2018; Kidger, "On neural differential equations", 2022.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("pendulum", runs=4, length=50, key=0)
    >>> model = dl.models.NeuralODE.from_data(ds, hidden=0, width=16, key=0)
    >>> model.signature.output_names
    ('angle', 'velocity')
    """

    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    field: eqx.nn.MLP
    encoder: Encoder
    noise: ErrorGrowth
    solver: Solver
    hidden: int = eqx.field(static=True)

    def __init__(
        self,
        signature: Signature,
        *,
        hidden: int,
        memory: int = 10,
        width: int = 64,
        depth: int = 2,
        activation: str = "tanh",
        solver: Solver | None = None,
        scaling: Scaling | None = None,
        key: int | Key[Array, ""],
    ):
        check_count("hidden", hidden, 0)
        for name, size in (("memory", memory), ("width", width), ("depth", depth)):
            check_count(name, size, 1)
        if solver is not None and not callable(solver):
            raise ArgumentError(
                f"NeuralODE: expected a solver such as dl.solvers.FixedStep('rk4') or dl.solvers.Adaptive(), "
                f"got {solver!r}."
            )
        for_field, for_encoder = split(as_key(key), 2)
        p, m, s = signature.outputs, signature.controls, signature.statics
        step = None if isinstance(solver, Adaptive) else signature.longest_step
        self.signature = signature.replace(interval=None, longest_step=step)
        self.scaling = Scaling.unit(p, m, s) if scaling is None else scaling
        self.field = mlp(p + hidden + m + s, p + hidden, width, depth, activation, key=for_field, last=0.1)
        self.encoder = Encoder(p, m, hidden, memory, width, activation, key=for_encoder)
        self.noise = ErrorGrowth.unit(p)
        self.solver = FixedStep("rk4", 1) if solver is None else solver
        self.hidden = hidden

    @classmethod
    def from_data(
        cls, ds: xr.Dataset, *, hidden: int | None = None, key: int | Key[Array, ""] = 0, **options
    ) -> Self:
        """Names, sizes, hold and scaling from the training data; `hidden` is one per output if not given."""
        check_known("option", options, inspect.signature(cls).parameters)
        found = sampling(ds)
        signature = Signature.of(ds, discrete=False).replace(longest_step=found.largest)
        scaling = Scaling.of(ds)
        if "solver" not in options and found.typical is not None and found.largest is not None:
            # Data are usually sampled so that one step follows them; gaps in them get more steps.
            options["solver"] = FixedStep("rk4", min(math.ceil(found.largest / (2 * found.typical)), 8))
        hidden = signature.outputs if hidden is None else hidden
        return cls(signature, hidden=hidden, scaling=scaling, key=key, **options)

    @property
    def method(self) -> str:
        return "gradient"

    @property
    def objective(self) -> str:
        return "multi_step"

    @property
    def memory(self) -> int:
        return self.encoder.memory

    @property
    def required(self) -> int:
        return 1

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
        return self.field(jnp.concatenate([x, u, s])) / self.scaling.time_scale

    def step(
        self,
        state: NeuralODEState,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> NeuralODEState:
        field = self._field(control, state.static, time, interval)
        x = self.solver(field, state.x, jnp.zeros_like(time), interval)
        return NeuralODEState(x, state.static, self.noise.step(state.error, interval, key))

    def _field(self, control, static, time, interval) -> Callable[[Array, Array], Array]:
        """dx/d(elapsed) across one interval, driven by its control in physical units.

        The solver's clock counts from the start of the interval: far from t = 0, float32 has no
        digits left for where in the interval one is.
        """
        u = self.scaling.control(control)

        def held(elapsed, x):
            return self.vector_field(time + elapsed, x, u, static)

        def interpolated(elapsed, x):
            fraction = elapsed / jnp.where(interval != 0, interval, 1)
            return self.vector_field(time + elapsed, x, u[0] + fraction * (u[1] - u[0]), static)

        return interpolated if self.signature.hold == "linear" else held

    def observe(self, state: NeuralODEState, control: Float[Array, " control"]) -> Gaussian:
        y = self.noise.predictive(state.x[: self.signature.outputs], state.error)
        return Gaussian(self.scaling.output_inverse(y.mean), self.scaling.output_scale * y.scale)
