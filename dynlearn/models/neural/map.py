"""Neural map: learned dynamics in discrete time."""

import inspect
from collections.abc import Callable
from typing import ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.error_growth import Error, ErrorGrowth
from dynlearn.contract.markers import AbstractDeterministic, AbstractSteady
from dynlearn.contract.model import with_fields
from dynlearn.contract.rescaling import AbstractRescalable, Rescaling
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_known
from dynlearn.models.neural.state_model import AbstractStateModel, check_sizes
from dynlearn.numerics.distributions.gaussian import Gaussian
from dynlearn.numerics.keys import as_key, split
from dynlearn.parts.encoders.encoder import Encoder
from dynlearn.parts.fields.given import Function, GivenMap, given
from dynlearn.parts.fields.learned import LearnedMap
from dynlearn.parts.networks.networks import mlp
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.window import Window


class NeuralMapState(eqx.Module):
    x: Float[Array, " state"]
    """Scaled outputs, then hidden states."""
    static: Float[Array, " static"]
    error: Error


class NeuralMap(AbstractDeterministic, AbstractRescalable, AbstractSteady, AbstractStateModel):
    """Discrete-time dynamics with a network for the change in one sampling interval.

        x_{k+1} = x_k + f(x_k, u_k, s),    y = output_mean + output_scale * x[:p] + error,

    x = (the p scaled outputs, `hidden` further states), u the scaled controls, s the scaled static
    features, f a multilayer perceptron. With linear hold f sees the control at both ends of the
    interval. State inference and the error's law are those of `NeuralODE`.

    Args:
        signature: names, units, hold, and the sampling interval.
        hidden, memory, width, depth, activation: as in `NeuralODE`.
        map: instead of that network, X_{k+1} = map(t, X_k, u_k, s) in physical units: a function of
            your own or an Equinox module, whose arrays are then fitted.
        scaling: units to compute in; physical ones unless given.
        key: an int or a JAX key.

    Raises:
        ArgumentError: a signature without an interval; a `map` of your own with linear hold; sizes that are no
            positive integers (`hidden` may be 0).

    Reference: Nagabandi, Kahn, Fearing, Levine, "Neural network dynamics for model-based deep
    reinforcement learning with model-free fine-tuning", ICRA 2018.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=4, length=50, key=0)
    >>> model = dl.models.NeuralMap.from_data(ds, hidden=0, memory=1, width=16, key=0)
    >>> model.signature.discrete
    True
    """

    references: ClassVar[tuple[str, ...]] = ("nagabandi2018neural",)
    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    map: Callable[..., Float[Array, " state"]]
    encoder: Encoder
    noise: ErrorGrowth

    def __init__(
        self,
        signature: Signature,
        *,
        hidden: int,
        memory: int = 10,
        width: int = 64,
        depth: int = 2,
        activation: str = "tanh",
        map: Function | None = None,
        scaling: Scaling | None = None,
        key: int | Key[Array, ""],
    ):
        check_sizes(hidden, memory, width, depth)
        if signature.interval is None:
            raise ArgumentError(
                "NeuralMap: expected a signature with a sampling interval, got None; use from_data on regularly "
                "sampled runs, or a NeuralODE."
            )
        p, m, s = signature.outputs, signature.controls, signature.statics
        n, ends = p + hidden, signature.hold.ends
        for_map, for_encoder = split(as_key(key), 2)
        self.signature = signature
        self.scaling = Scaling.unit(p, m, s) if scaling is None else scaling
        if map is None:
            self.map = LearnedMap(mlp(n + ends * m + s, n, width, depth, activation, key=for_map, last=0.1))
        elif ends == 2:
            raise ArgumentError(
                "NeuralMap: a map of your own takes the control held over the interval; expected hold 'zero', got "
                "'linear'. Resample the controls, or use a NeuralODE with the field."
            )
        else:
            checked = given("map", map, n, m, s)
            self.map = GivenMap(checked.function, checked.reads_time)
        self.encoder = Encoder(p, m, hidden, memory, width, activation, key=for_encoder)
        self.noise = ErrorGrowth.unit(p)

    @classmethod
    @one_call
    def from_data(
        cls, ds: xr.Dataset, *, hidden: int | None = None, key: int | Key[Array, ""] = 0, **options
    ) -> Self:
        """Names, sizes, interval and scaling from the training data.

        Args:
            ds: the training data, sampled regularly.
            hidden: states beside the outputs; one per output if not given.
            key: an int or a JAX key, for the weights.
            options: further arguments of the constructor.

        Returns:
            A model with random weights, for `dl.fit`.

        Raises:
            ArgumentError: an unknown option, or one that the constructor refuses.
            SchemaError: irregular sampling.
        """
        check_known("option", options, inspect.signature(cls).parameters)
        signature = Signature.of(ds, discrete=True)
        hidden = signature.outputs if hidden is None else hidden
        return cls(signature, hidden=hidden, scaling=Scaling.of(ds), key=key, **options)

    @property
    def objective(self) -> str:
        return "multi_step"

    def rescaled(self, scaling: Scaling) -> Self:
        """A map of the user's own is in physical units already."""
        change = Rescaling.between(self.scaling, scaling)
        changed = self.map
        if isinstance(changed, LearnedMap):
            changed = changed.rescaled(change.state(self.hidden), change, self.signature.hold.ends)
        noise = self.noise.multiplied(1 / change.output.factor)
        return with_fields(
            self, scaling=scaling, map=changed, encoder=self.encoder.rescaled(change), noise=noise
        )

    def steady(self, constant: Float[np.ndarray, " output"]) -> Self:
        """They stay what was measured last; with a map of the user's own nothing changes."""
        if not isinstance(self.map, LearnedMap):
            return self
        outputs = np.isfinite(constant)
        states = np.concatenate([outputs, np.zeros(self.hidden, bool)])
        return with_fields(self, map=self.map.still(states), encoder=self.encoder.uncorrected(outputs))

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> NeuralMapState:
        x = self.encoder(past, self.scaling)
        return NeuralMapState(x, self.scaling.static(past.static), self.noise.start())

    def step(
        self,
        state: NeuralMapState,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> NeuralMapState:
        u = jnp.ravel(self.scaling.control(control))
        x = self.map(time, state.x, u, state.static, self.scaling)
        return NeuralMapState(x, state.static, self.noise.step(state.error, interval, key))

    def observe(self, state: NeuralMapState, control: Float[Array, " control"]) -> Gaussian:
        y = self.noise.predictive(self.outputs_of(state.x), state.error)
        return Gaussian(self.scaling.output_inverse(y.mean), self.scaling.output_scale * y.scale)
