"""The markers of special structure: what a model, or a part of one, promises beyond the contract."""

import abc
from typing import TYPE_CHECKING, Any, Self

import equinox as eqx
import numpy as np
from jaxtyping import Array, Complex, Float, Key

from dynlearn.contract.error_growth import ErrorGrowth
from dynlearn.contract.model import AbstractModel, State
from dynlearn.identification.ridge import Regression
from dynlearn.trajectories.window import Window


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
        """This model with the dynamics that a solution `weights` of `regression` stands for."""


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
        """dx/dt per unit of physical time.

        Args:
            time: the instant, in the model's time unit, physical.
            x: the scaled state.
            u, s: the scaled control and static features.

        Returns:
            `(state,)`, scaled states per time unit.
        """


class AbstractWholePath(AbstractModel):
    """Marker: a rollout can be made at once, by one solve or in blocks, and need not stop at every instant."""

    @property
    @abc.abstractmethod
    def whole_paths(self) -> bool:
        """Whether it is to be, as the model is."""

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
        """States at instants 1..horizon, stacked: what chained steps give, at once.

        Args:
            state: at instant 0.
            control: in physical units, applied from each instant on.
            time: instants 0..horizon.
            interval: from each instant to the next.
            key: of a random path; None for the mean path.

        Returns:
            The states with the instants 1..horizon in front.
        """


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
        """z, out of a `state` as `infer` and `step` give it."""

    def eigenvalues(self) -> Complex[np.ndarray, " z"]:
        """Of A: one factor per sampling interval, largest modulus first. |lambda| < 1 decays.

        Returns:
            Complex numbers `(z,)` on the host, largest modulus first.
        """
        values = np.linalg.eigvals(np.asarray(self.A, np.float64))
        return values[np.argsort(-np.abs(values), kind="stable")].astype(complex)

    def rates(self) -> Complex[np.ndarray, " z"]:
        """log(lambda) / interval: growth (real part) and angular frequency, per time unit.

        An eigenvalue of 0 (a direction forgotten in one step) has the rate -inf.

        Returns:
            Complex numbers `(z,)` on the host, per time unit, in the order of `eigenvalues`.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.eigenvalues()) / self.signature.interval


class AbstractSteady(AbstractModel):
    """Marker: outputs that never changed in training can be kept from changing in forecasts, exactly.

    Weights that were found by descent leave them near where they were.
    """

    @abc.abstractmethod
    def steady(self, constant: Float[np.ndarray, " output"]) -> Self:
        """This model, in whose forecasts some outputs never change.

        Args:
            constant: what these are, in scaled units; NaN of outputs that change.

        Returns:
            A model of the same structure.
        """


class AbstractParallel(AbstractModel):
    """Marker: all one-step forecasts of a window come from one pass over it, not from one step after another."""

    @abc.abstractmethod
    def forced(self, window: Window) -> Float[Array, "{window.length-1} output"]:
        """Mean outputs at samples 1, 2, .., each from what was measured and applied before it; physical units.

        What `infer` on the samples before and one `step` with the control then applied would give.
        `window` may be longer than `memory`; its samples that are not valid stand at its start or end.

        Returns:
            `(window.length - 1, output)` in physical units.
        """


class AbstractTimed(eqx.Module):
    """Marker, of a part of a model: a function of the user's own, which may read the time."""

    if TYPE_CHECKING:

        @property
        def reads_time(self) -> bool: ...
    else:
        reads_time: eqx.AbstractVar[bool]


class AbstractMembers(AbstractModel):
    """Marker: several models of one kind, asked together; `dynlearn.contract.members` takes them apart."""

    if TYPE_CHECKING:

        @property
        def members(self) -> AbstractModel: ...

        @property
        def size(self) -> int: ...
    else:
        members: eqx.AbstractVar[AbstractModel]
        """One model, whose arrays have a leading member axis."""
        size: eqx.AbstractVar[int]

    @abc.abstractmethod
    def member(self, index: int) -> AbstractModel:
        """One of them."""


class AbstractWrapper(AbstractModel):
    """Marker: another model, asked in another way; its dynamics and its noise are the other's."""

    if TYPE_CHECKING:

        @property
        def model(self) -> Any: ...
    else:
        model: eqx.AbstractVar[Any]


class AbstractAutonomous(AbstractModel):
    """Marker: no control moves it, whatever the data have."""
