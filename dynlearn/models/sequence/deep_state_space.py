"""Deep state space: a stack of diagonal recurrences that remembers over many samples."""

import inspect
from typing import ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Complex, Float, Key

from dynlearn.contract.checks.memory import check_memory
from dynlearn.contract.error_growth import Error, ErrorGrowth
from dynlearn.contract.markers import AbstractDeterministic, AbstractParallel, AbstractSteady
from dynlearn.contract.model import with_fields
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_count, check_known, is_number
from dynlearn.numerics.distributions.gaussian import Gaussian
from dynlearn.numerics.keys import as_key
from dynlearn.numerics.plain import plain
from dynlearn.parts.encoders.held import held_values
from dynlearn.parts.networks.diagonal_stack import DiagonalStack
from dynlearn.parts.networks.modes import Modes, ordered, time_scales_of
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.sampling import sampling
from dynlearn.trajectories.window import Window


class DeepStateSpaceState(eqx.Module):
    """Scaled; `x` is what the layers remember, as real and imaginary parts."""

    x: Float[Array, "layer 2 mode"]
    output: Float[Array, " output"]
    """The best estimate at this instant: measured, or else the model's own forecast."""
    last: Float[Array, " output"]
    """What was last measured."""
    known: Float[Array, " output"]
    """1 where the next step reads `output`, 0 where it reads `last` as something old."""
    static: Float[Array, " static"]
    error: Error


class DeepStateSpace(AbstractParallel, AbstractSteady, AbstractDeterministic):
    """Layers of diagonal linear state-space models with gates between them, from one sample to the next.

        v_k = E [y_k, known_k, u_k, s, log dt_k] + e,    v_k -> layer -> ... -> layer -> h_k
        x_{k+1} = exp(Lambda dt_k) x_k + Lambda^-1 (exp(Lambda dt_k) - 1) B norm(v_k)     in each layer
        y_{k+1} = y_k + F h_k + f,    y in physical units = output_mean + output_scale * y + error

    y, u, s are the scaled outputs, controls and static features. The recurrences are linear in
    continuous time and discretised exactly over each interval, so sampling may be uneven. They are stable
    (Re Lambda < 0) whatever is learned, and start on time scales from a sample to the whole window,
    which is why they remember where gated recurrent networks forget.

    An output that was not measured enters as its last measured value, with known = 0. In a forecast, the
    model's own mean stands for the outputs. `infer` runs over the last `memory` samples in parallel;
    `start`, `update`, `step` do the same one sample at a time and remember all of a run. The error's
    law is `ErrorGrowth`.

    Args:
        signature: names, units and hold; its `interval` is None.
        interval: a typical sampling interval, in the signature's time unit.
        width: channels between the layers.
        states: complex modes per layer.
        layers: how many.
        memory: samples of the past that `infer` looks at; at least 2.
        time_scales: the shortest and longest on which the modes start, in the time unit. From `interval`
            to `memory * interval` if not given; `from_data` takes the time in which an output changes by its
            standard deviation, and the longest run where that is shorter than the memory.
        scaling: units to compute in; physical ones unless given.
        key: an int or a JAX key.

    Raises:
        ArgumentError: a size that is no positive integer, time scales that are not ordered, an unknown option.

    With linear hold a layer reads the control at both ends of an interval; at the last one of a context
    the end is not known yet and taken to be its start.

    References: Smith, Warrington, Linderman, "Simplified state space layers for sequence modeling", ICLR 2023
    (S5); Orvieto, Smith, Gu, Fernando, Gulcehre, Pascanu, De, "Resurrecting recurrent neural networks for
    long sequences", ICML 2023 (LRU).

    >>> import dynlearn as dl
    >>> ds = dl.from_arrays(np.sin(0.1 * np.arange(100)), np.zeros((100, 1)), dt=0.1)
    >>> model = DeepStateSpace.from_data(ds, width=8, states=8, layers=2, memory=20, key=0)
    >>> model.eigenvalues().shape
    (2, 8)
    """

    references: ClassVar[tuple[str, ...]] = ("smith2023simplified", "orvieto2023resurrecting")
    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    stack: DiagonalStack
    noise: ErrorGrowth
    interval: float = eqx.field(static=True, converter=plain)
    context: int = eqx.field(static=True, converter=plain)

    def __init__(
        self,
        signature: Signature,
        *,
        interval: float,
        width: int = 32,
        states: int = 32,
        layers: int = 2,
        memory: int = 64,
        time_scales: tuple[float, float] | None = None,
        scaling: Scaling | None = None,
        key: int | Key[Array, ""],
    ):
        for name, size in (("width", width), ("states", states), ("layers", layers)):
            check_count(name, size, 1)
        width, states, layers = int(width), int(states), int(layers)  # plain ones: they become static
        check_memory(memory, 2)
        if not (is_number(interval) and 0 < interval < np.inf):
            raise ArgumentError(
                f"interval: expected a positive time (typical between samples), got {interval!r}."
            )
        shortest, longest = ordered((interval, memory * interval) if time_scales is None else time_scales)
        p, m, s = signature.outputs, signature.controls, signature.statics
        inputs = 2 * p + signature.hold.ends * m + s
        modes = Modes.on(states, shortest / interval, longest / interval)
        self.signature = signature.replace(interval=None)
        self.scaling = Scaling.unit(p, m, s) if scaling is None else scaling
        self.stack = DiagonalStack(inputs, p, width, layers, modes, key=as_key(key))
        self.noise = ErrorGrowth.unit(p)
        self.interval, self.context = float(interval), memory

    @classmethod
    @one_call
    def from_data(cls, ds: xr.Dataset, *, memory: int = 64, key: int | Key[Array, ""] = 0, **options) -> Self:
        """Names, sizes, hold, scaling and time scales from the training data.

        Args:
            ds: the training data, sampled in any way.
            memory: samples of the past that `infer` looks at; at least 2.
            key: an int or a JAX key, for the weights.
            options: further arguments of the constructor.

        Returns:
            A model with random weights, for `dl.fit`.

        Raises:
            ArgumentError: an unknown option, or one that the constructor refuses.
        """
        check_known("option", options, inspect.signature(cls).parameters)
        check_memory(memory, 2)
        found, scaling = sampling(ds), Scaling.of(ds)
        signature = Signature.of(ds, discrete=False).replace(longest_step=found.largest)
        interval = 1.0 if found.typical is None else found.typical
        options.setdefault("interval", interval)
        options.setdefault("time_scales", time_scales_of(ds, float(scaling.time_scale), memory * interval))
        return cls(signature, memory=memory, scaling=scaling, key=key, **options)

    @property
    def method(self) -> str:
        return "gradient"

    @property
    def objective(self) -> str:
        return "forced_and_free"

    @property
    def memory(self) -> int:
        return self.context

    @property
    def required(self) -> int:
        return 1

    def eigenvalues(self) -> Complex[np.ndarray, "layer mode"]:
        """Lambda of each layer, per time unit: minus a decay rate (real part), angular frequency."""
        return self.stack.eigenvalues() / self.interval

    def start(self, static: Float[Array, " static"]) -> DeepStateSpaceState:
        """Before anything was measured, where `update` and `step` begin; features `static` in physical units."""
        nothing = jnp.full(self.signature.outputs, jnp.nan)
        x, known = self.stack.start(), jnp.zeros_like(nothing)
        return DeepStateSpaceState(
            x, nothing, nothing, known, self.scaling.static(static), self.noise.start()
        )

    def update(
        self, state: DeepStateSpaceState, output: Float[Array, " output"], observed: Bool[Array, " output"]
    ) -> DeepStateSpaceState:
        """The `state` at the same instant, after measuring `output` (physical units) where `observed`."""
        y = self.scaling.output(output)
        best, last = (jnp.where(observed, y, else_) for else_ in (state.output, state.last))
        known = observed.astype(y.dtype)
        return DeepStateSpaceState(state.x, best, last, known, state.static, self.noise.start())

    def steady(self, constant: Float[np.ndarray, " output"]) -> Self:
        """They stay what was measured last."""
        changes = jnp.asarray(np.isnan(constant))
        return with_fields(self, stack=self.stack.changing_only(changes))

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> DeepStateSpaceState:
        # What is applied at the last instant is not decided yet; only linear hold would read it.
        past = eqx.tree_at(lambda w: w.control, past, past.control.at[-1].set(past.control[-2]))
        x, forecast = self._scan(past)
        value, ever = held_values(self.scaling.output(past.output[:-1]), past.observed[:-1])
        best, last = (jnp.where(ever[-1], found[-1], jnp.nan) for found in (forecast, value))
        static = self.scaling.static(past.static)
        before = DeepStateSpaceState(x, best, last, jnp.ones_like(last), static, self.noise.start())
        return self.update(before, past.output[-1], past.observed[-1])

    def step(
        self,
        state: DeepStateSpaceState,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> DeepStateSpaceState:
        value = jnp.where(state.known > 0, state.output, state.last)
        ever = jnp.isfinite(value)
        u = jnp.ravel(self.scaling.control(control))
        inputs = [jnp.where(ever, value, 0), jnp.where(ever, state.known, 0), u, state.static]
        x, change = self.stack.step(state.x, jnp.concatenate(inputs), interval / self.interval)
        error = self.noise.step(state.error, interval, key)
        # An output that was never measured stays unknown: NaN plus any change.
        return DeepStateSpaceState(
            x, value + change, state.last, jnp.ones_like(state.known), state.static, error
        )

    def observe(self, state: DeepStateSpaceState, control: Float[Array, " control"]) -> Gaussian:
        y = self.noise.predictive(state.output, state.error)
        return Gaussian(self.scaling.output_inverse(y.mean), self.scaling.output_scale * y.scale)

    def forced(self, window: Window) -> Float[Array, "{window.length-1} output"]:
        return self.scaling.output_inverse(self._scan(window)[1])

    def _scan(
        self, window: Window
    ) -> tuple[Float[Array, "layer 2 mode"], Float[Array, "{window.length-1} output"]]:
        """The layers' states at the last instant, and the scaled forecast of every sample but the first."""
        value, _ = held_values(self.scaling.output(window.output), window.observed)
        within = window.valid[:-1] & window.valid[1:]
        interval = jnp.where(within, window.interval[:-1], 0)
        u = jnp.where(window.valid[:, None], self.scaling.control(window.control), 0)
        u = self.signature.hold.over(u).reshape(len(u) - 1, -1)
        known = window.observed.astype(value.dtype)
        static = jnp.broadcast_to(self.scaling.static(window.static), (len(u), self.signature.statics))
        inputs = jnp.concatenate([value[:-1], known[:-1], u, static], axis=1)
        x, change = self.stack.scan(inputs, interval / self.interval)
        return x, value[:-1] + change
