"""The model contract: infer a state, step it, observe it. And the markers of special structure."""

import abc
import dataclasses
from typing import TYPE_CHECKING, Any, Self, TypeVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Complex, Float, Key

from dynlearn.models._error_growth import ErrorGrowth
from dynlearn.models._numbers import check_numbers
from dynlearn.models._regression import Regression
from dynlearn.models._scaling import Scaling
from dynlearn.models._signature import Signature
from dynlearn.numerics.distributions import Distribution
from dynlearn.numerics.window import Window

State = Any
"""Any pytree of arrays: what a model needs to know of the past in order to go on."""


class AbstractModel(eqx.Module):
    r"""Three maps over a learned system.

        x_k     = infer(y_{..k}, u_{..k-1})        the state at the last instant of a window
        x_{k+1} = step(x_k, u_k, t_k, dt_k)        one transition
        y_k     ~ observe(x_k, u_k)                the outputs, in physical units

    Everything else (rollout, loss, forecast, evaluation, planning) is a free function over these.
    All three work on one run and one instant; callers batch with `jax.vmap`.

    Controls enter in physical units with shape `(control,)`. Where `signature.hold` is "linear",
    `step` gets `(2, control)`: the values at the two ends of the interval.
    """

    if TYPE_CHECKING:
        # As fields, a type checker would take these for constructor arguments of every subclass.
        @property
        def signature(self) -> Signature: ...

        @property
        def scaling(self) -> Scaling: ...
    else:
        signature: eqx.AbstractVar[Signature]
        scaling: eqx.AbstractVar[Scaling]

    def __check_init__(self):
        check_numbers(self)

    @property
    @abc.abstractmethod
    def objective(self) -> str:
        """Name of the loss `fit` minimises unless told otherwise (`dynlearn.fitting.objectives`)."""

    @property
    @abc.abstractmethod
    def method(self) -> str:
        """Name of the way `fit` proceeds unless told otherwise (`dynlearn.fitting.methods`)."""

    @property
    @abc.abstractmethod
    def memory(self) -> int:
        """How many samples `infer` looks at; earlier ones change nothing."""

    @property
    @abc.abstractmethod
    def required(self) -> int:
        """How many samples `infer` needs at least."""

    @abc.abstractmethod
    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> State:
        """The state at the last instant of `past` (`past.length == memory`, aligned to its end).

        With `key`, a draw from the state's distribution where the model has one. A state that
        cannot be known from the window comes back as NaN, which callers turn into an error.
        """

    @abc.abstractmethod
    def step(
        self,
        state: State,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> State:
        """The state `interval` later. `key=None` gives the mean path, a key one random path."""

    @abc.abstractmethod
    def observe(self, state: State, control: Float[Array, " control"]) -> Distribution:
        """The distribution of the outputs at this instant, in physical units."""


Model = TypeVar("Model", bound=AbstractModel)


def with_fields(model: Model, **fields: Any) -> Model:
    """The model with other values in these fields, static ones too, which `eqx.tree_at` does not reach."""
    other = object.__new__(type(model))
    for field in dataclasses.fields(model):
        object.__setattr__(other, field.name, fields.get(field.name, getattr(model, field.name)))
    return other


class AbstractDeterministic(AbstractModel):
    """Marker: the mean path is deterministic; forecasts spread around it by `noise`."""

    if TYPE_CHECKING:

        @property
        def noise(self) -> ErrorGrowth: ...
    else:
        noise: eqx.AbstractVar[ErrorGrowth]


class AbstractStochastic(AbstractModel):
    """Marker: the state itself moves at random; a path drawn with a key is one realisation.

    The mean path (`key=None`) leaves the noise out, and is not the mean of the paths where the
    dynamics are nonlinear: what a forecast says of the distribution comes from drawn paths.
    """

    @abc.abstractmethod
    def as_fitted(self) -> Self:
        """This model, whose noise may now be believed."""


class AbstractClosedForm(AbstractModel):
    """Marker: the dynamics are the solution of a linear regression."""

    @abc.abstractmethod
    def regression(self, runs: Window) -> Regression:
        """The regression over every complete transition in `runs`, in scaled units."""

    @abc.abstractmethod
    def solved(self, weights: Float[np.ndarray, "coefficient target"]) -> Self:
        """This model with the dynamics that a solution of `regression` stands for."""


class AbstractContinuous(AbstractModel):
    """Marker: continuous time, dx/dt = vector_field(t, x, u, s) in scaled state and control.

    The state has the vector as its field `x`, and `step` also takes a negative interval: from the
    later instant back to the earlier one, with the same held control (the ends of a linear one
    exchanged). Where the model is `AbstractStochastic` too, the field is the drift.
    """

    @abc.abstractmethod
    def vector_field(
        self,
        time: Float[Array, ""],
        x: Float[Array, " state"],
        u: Float[Array, " control"],
        s: Float[Array, " static"],
    ) -> Float[Array, " state"]:
        """dx/dt per unit of physical time."""


class AbstractWholePath(AbstractContinuous):
    """Marker: a rollout can be one solve, which need not stop at every instant."""

    @property
    @abc.abstractmethod
    def whole_paths(self) -> bool:
        """Whether it is to be, with the solver the model has."""

    @abc.abstractmethod
    def path(
        self,
        state: State,
        control: Float[Array, "instant control"],
        time: Float[Array, " instant"],
        interval: Float[Array, "instant-1"],
        *,
        key: Key[Array, ""] | None = None,
    ) -> State:
        """States at instants 1..horizon, stacked: what chained steps give, in one solve."""


class AbstractLinearLatent(AbstractModel):
    r"""Marker: z_{k+1} = A z_k + B u_k + c,  y_k = C z_k, in scaled units."""

    if TYPE_CHECKING:

        @property
        def A(self) -> Float[Array, "z z"]: ...

        @property
        def B(self) -> Float[Array, "z control"]: ...

        @property
        def c(self) -> Float[Array, " z"]: ...

        @property
        def C(self) -> Float[Array, "output z"]: ...
    else:
        A: eqx.AbstractVar[Float[Array, "z z"]]
        B: eqx.AbstractVar[Float[Array, "z control"]]
        c: eqx.AbstractVar[Float[Array, " z"]]
        C: eqx.AbstractVar[Float[Array, "output z"]]

    @abc.abstractmethod
    def latent(self, state: State) -> Float[Array, " z"]:
        """z, out of a state."""

    def eigenvalues(self) -> Complex[np.ndarray, " z"]:
        """Of A: one factor per sampling interval, largest modulus first. |lambda| < 1 decays."""
        values = np.linalg.eigvals(np.asarray(self.A, np.float64))
        return values[np.argsort(-np.abs(values), kind="stable")].astype(complex)

    def rates(self) -> Complex[np.ndarray, " z"]:
        """log(lambda) / interval: growth (real part) and angular frequency, per time unit.

        An eigenvalue of 0 (a direction forgotten in one step) has the rate -inf.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.eigenvalues()) / self.signature.interval
