"""What an objective is: a function `(model, batch, key) -> (loss, metrics)`.

One that takes a keyword `progress` is told how much of the fit is done, from 0 to 1.
"""

import inspect
from collections.abc import Callable

from jaxtyping import Array, Float, Key

from dynlearn.contract.model import AbstractModel
from dynlearn.trajectories.window import Window

Metrics = dict[str, Float[Array, ""]]

Objective = Callable[[AbstractModel, Window, Key[Array, ""]], tuple[Float[Array, ""], Metrics]]


def loss_of(
    objective: Objective,
    model: AbstractModel,
    batch: Window,
    key: Key[Array, ""],
    progress: Float[Array, ""] | float,
) -> tuple[Float[Array, ""], Metrics]:
    """The objective's loss and metrics, told how much of the fit is done if it asks for that."""
    if "progress" in inspect.signature(objective).parameters:
        return objective(model, batch, key, progress=progress)  # type: ignore[call-arg]
    return objective(model, batch, key)
