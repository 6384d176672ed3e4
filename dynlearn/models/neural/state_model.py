"""What the neural state-space families share: which state they keep and how it is read off the past."""

from typing import TYPE_CHECKING

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.contract.checks.memory import check_memory
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import check_count
from dynlearn.parts.encoders.encoder import Encoder


class AbstractStateModel(AbstractModel):
    """x = (the p scaled outputs, `encoder.hidden` further states), read off the past by an encoder."""

    if TYPE_CHECKING:

        @property
        def encoder(self) -> Encoder: ...
    else:
        encoder: eqx.AbstractVar[Encoder]

    @property
    def method(self) -> str:
        return "gradient"

    @property
    def memory(self) -> int:
        return self.encoder.memory

    @property
    def required(self) -> int:
        return 1

    @property
    def hidden(self) -> int:
        """States beside the outputs."""
        return self.encoder.hidden

    def outputs_of(self, x: Float[Array, " state"]) -> Float[Array, " output"]:
        """The scaled outputs, out of a state vector `x`."""
        return x[: self.signature.outputs]


def fraction_of(elapsed: Float[Array, ""], interval: Float[Array, ""]) -> Float[Array, ""]:
    """elapsed / interval, and 0 in an interval of no length, which padding makes."""
    return elapsed / jnp.where(interval != 0, interval, 1)


def check_sizes(hidden: int, memory: int, width: int, depth: int) -> None:
    check_count("hidden", hidden, 0)
    check_memory(memory)
    for name, size in (("width", width), ("depth", depth)):
        check_count(name, size, 1)
