"""What an objective is: a function `(model, batch, key) -> (loss, metrics)`."""

from collections.abc import Callable

from jaxtyping import Array, Float, Key

from dynlearn.contract.model import AbstractModel
from dynlearn.trajectories.window import Window

Metrics = dict[str, Float[Array, ""]]

Objective = Callable[[AbstractModel, Window, Key[Array, ""]], tuple[Float[Array, ""], Metrics]]
