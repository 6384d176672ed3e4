"""What the neural state-space families share: which state they keep and how it is read off the past."""

from typing import TYPE_CHECKING

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.errors import check_count
from dynlearn.models._encoder import Encoder
from dynlearn.models._model import AbstractModel
from dynlearn.models._signature import Signature


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
        """The scaled outputs, out of a state vector."""
        return x[: self.signature.outputs]


def held(
    u: Float[Array, "*ends control"], fraction: Float[Array, ""], signature: Signature
) -> Float[Array, " control"]:
    """The control at a fraction of an interval, from its value (zero hold) or its two ends (linear)."""
    return u[0] + fraction * (u[1] - u[0]) if signature.hold == "linear" else u


def fraction_of(elapsed: Float[Array, ""], interval: Float[Array, ""]) -> Float[Array, ""]:
    """elapsed / interval, and 0 in an interval of no length, which padding makes."""
    return elapsed / jnp.where(interval != 0, interval, 1)


def check_sizes(hidden: int, memory: int, width: int, depth: int) -> None:
    check_count("hidden", hidden, 0)
    for name, size in (("memory", memory), ("width", width), ("depth", depth)):
        check_count(name, size, 1)
