"""The marker of models that see a whole window in one parallel pass."""

import abc

from jaxtyping import Array, Float

from dynlearn.models._model import AbstractModel
from dynlearn.numerics.window import Window


class AbstractParallel(AbstractModel):
    """Marker: all one-step forecasts of a window come from one pass over it, not from one step after another."""

    @abc.abstractmethod
    def forced(self, window: Window) -> Float[Array, "{window.length-1} output"]:
        """Mean outputs at samples 1, 2, .., each from what was measured and applied before it; physical units.

        What `infer` on the samples before and one `step` with the control then applied would give.
        `window` may be longer than `memory`; its samples that are not valid stand at its start or end.
        """
