"""The model contract: infer a state, step it, observe it. Special structure is declared by `markers`."""

import abc
import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

import equinox as eqx
from jaxtyping import Array, Float, Key

from dynlearn.contract.checks.numbers import check_numbers
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.numerics.distributions import Distribution
from dynlearn.trajectories.window import Window

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
        """Name of the loss `fit` minimises unless told otherwise (`dynlearn.fitting.objectives.registry`)."""

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
        """How many samples `infer` needs at least: where the last so many are complete, there is a state."""

    @abc.abstractmethod
    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> State:
        """The state at the last instant of `past` (`past.length == memory`, aligned to its end).

        With `key`, a draw from the state's distribution where the model has one. A state that
        cannot be known from the window comes back as NaN, which callers turn into an error.

        Args:
            past: one run, no batch axes.
            key: of the draw; None for the mean.

        Returns:
            A pytree of arrays of the family's own, which `step` and `observe` take.
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
        """The state `interval` later. `key=None` gives the mean path, a key one random path.

        Args:
            state: at `time`.
            control: in physical units, applied from `time` on.
            time: the instant, in the model's time unit.
            interval: to the next instant, in the model's time unit.
            key: of the path.

        Returns:
            A state of the same form, at `time + interval`.
        """

    @abc.abstractmethod
    def observe(self, state: State, control: Float[Array, " control"]) -> Distribution:
        """The distribution of the outputs at this instant, in physical units.

        Args:
            state: at the instant.
            control: applied there, in physical units; read where outputs feed it through.

        Returns:
            A distribution with `mean` `(output,)`, to draw from and to take the density of.
        """


Model = TypeVar("Model", bound=AbstractModel)


def with_fields(model: Model, **fields: Any) -> Model:
    """The model with other values in these fields, static ones too, which `eqx.tree_at` does not reach."""
    other = object.__new__(type(model))
    for field in dataclasses.fields(model):
        object.__setattr__(other, field.name, fields.get(field.name, getattr(model, field.name)))
    return other
