"""What the trainable torch models share: a twin, a state read off the past, and the way through the horizon."""

import abc
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import nn

from dynlearn.contract.model import AbstractModel
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError
from dynlearn.torch.native._twins import Twin
from dynlearn.torch.native.parts.encoder import Encoder
from dynlearn.torch.native.parts.scaling import Scaling
from dynlearn.torch.native.windows import Window


class State(NamedTuple):
    x: torch.Tensor
    """Scaled outputs, then hidden states: `(batch, state)`."""
    static: torch.Tensor
    """Scaled static features: `(batch, static)`."""


class Interval(NamedTuple):
    """One interval for every run of a batch, in scaled units; the clock s runs over it from 0 to 1."""

    time: torch.Tensor
    length: torch.Tensor
    control: torch.Tensor
    """`(batch, control)`, or with linear hold `(batch, 2, control)`: the values at the two ends."""
    static: torch.Tensor

    def at(self, s: torch.Tensor | float) -> tuple[torch.Tensor, torch.Tensor]:
        """Physical time and scaled control."""
        u = self.control
        if u.ndim == 3:
            u = u[:, 0] + s * (u[:, 1] - u[:, 0])
        return self.time + s * self.length, u


class AbstractNative(nn.Module, abc.ABC):
    """A torch module whose twin in `dynlearn.models` has the same weights and gives the same numbers.

    Every array of the twin is a parameter or, where no gradient moves it, a buffer, under the
    name it has there.
    """

    scaling: Scaling
    encoder: Encoder
    _twin: Twin
    objective: ClassVar[str]
    """What `loss` computes, by its name in `dynlearn.fitting`."""
    has_adjoint: ClassVar[bool]
    """Whether the loss can be differentiated by the adjoint equation."""

    @abc.abstractmethod
    def loss(
        self, window: Window, *, adjoint: bool = False, generator: torch.Generator | None = None
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """What `dl.torch.Training` minimises over a batch of windows, and what it logs beside it.

        Args:
            window: `memory` past samples, then the horizon.
            adjoint: as in `step`.
            generator: of random numbers, where the loss takes any.
        """

    @abc.abstractmethod
    def cross(self, x: torch.Tensor, interval: Interval, *, adjoint: bool = False) -> torch.Tensor:
        """The scaled state at the end of an interval, along the mean path."""

    @property
    def signature(self) -> Signature:
        """Names, units and hold."""
        return self._twin.signature

    @property
    def memory(self) -> int:
        """How many samples `infer` looks at."""
        return self.encoder.memory

    @property
    def hidden(self) -> int:
        """States beside the outputs."""
        return self.encoder.hidden

    @property
    def device(self) -> torch.device:
        """Where its tensors are."""
        return self.scaling.output_mean.device

    @property
    @abc.abstractmethod
    def method(self) -> Any:
        """How `dl.fit` proceeds unless told otherwise: in torch."""

    def twin(self) -> Any:
        """The dynlearn model with the weights of now; later changes of the module do not reach it."""
        return self._twin.now(self)

    def adopt(self, fitted: AbstractModel) -> Self:
        """Itself, with the weights and the error law of a `fitted` twin."""
        self._twin = self._twin.adopted(self, fitted)
        return self

    def infer(self, past: Window) -> State:
        """The states at the last instants of the windows `past`, each of `memory` samples.

        NaN where an output was never measured.

        Raises:
            ArgumentError: windows of another length.
        """
        if past.length != self.memory:
            raise ArgumentError(
                f"infer: expected windows of {self.memory} samples, got {past.length}; cut them with "
                f"window.first({self.memory})."
            )
        return State(self.encoder(past, self.scaling), self.scaling.static(past.static))

    def step(
        self,
        state: State,
        control: torch.Tensor,
        time: torch.Tensor,
        interval: torch.Tensor,
        *,
        adjoint: bool = False,
    ) -> State:
        """The states one interval later, along the mean path.

        Args:
            state: as `infer` gives it.
            control: `(batch, control)` in physical units; with linear hold `(batch, 2, control)`.
            time, interval: `(batch,)`, each run's own, in the data's time unit.
            adjoint: gradients by the adjoint equation instead of through the solver.
        """
        over = Interval(time, interval, self.scaling.control(control), state.static)
        return State(self.cross(state.x, over, adjoint=adjoint), state.static)

    def forward(self, window: Window, *, adjoint: bool = False) -> torch.Tensor:
        """The mean forecast of windows, `(batch, horizon, output)` in physical units.

        Args:
            window: `memory` past samples, then `horizon` more, of which times and controls are read.
            adjoint: as in `step`.
        """
        state = self.infer(window.first(self.memory))
        x, path = state.x, []
        for interval in self.intervals(window, state.static):
            x = self.cross(x, interval, adjoint=adjoint)
            path.append(x)
        return self.outputs_of(torch.stack(path, 1))

    def intervals(self, window: Window, static: torch.Tensor) -> Iterator[Interval]:
        """Those from the present instant to the end of `window`, each with its control and the scaled `static`."""
        now = self.memory - 1
        u = self.scaling.control(window.control[:, now:])
        if self.signature.hold.ends == 2:
            u = torch.stack([u[:, :-1], u[:, 1:]], 2)
        for k in range(window.length - self.memory):
            yield Interval(window.time[:, now + k], window.interval[:, now + k], u[:, k], static)

    def outputs_of(self, x: torch.Tensor) -> torch.Tensor:
        """The outputs in physical units, out of scaled states `x` `(*batch, state)`."""
        return self.scaling.output_inverse(x[..., : self.signature.outputs])
