"""Models that live in another framework, and how they are taken in at every border."""

from typing import Any, Protocol, Self, overload, runtime_checkable

from dynlearn.contract.model import AbstractModel


@runtime_checkable
class Foreign(Protocol):
    """A model of another framework that can show itself as one of ours.

    Every verb takes it: `forecast`, `evaluate`, `MPC`, `save` work on its twin, compiled; `fit` trains
    it where it lives and hands the fitted weights and error law back to it.
    """

    @property
    def method(self) -> Any:
        """How `fit` proceeds unless told otherwise."""

    def twin(self) -> AbstractModel:
        """The same model here, with the weights it has now."""

    def adopt(self, fitted: AbstractModel) -> Self:
        """Itself, with the weights and the error law of a `fitted` twin."""


@overload
def as_model(model: AbstractModel | Foreign) -> AbstractModel: ...
@overload
def as_model(model: Any) -> Any: ...
def as_model(model: Any) -> Any:
    """A foreign model's twin; anything else as it came.

    Args:
        model: a model of any framework, or whatever a caller passed for one.

    Returns:
        The model that the verbs work on.

    >>> from dynlearn.rl import PendulumTruth
    >>> model = PendulumTruth()
    >>> as_model(model) is model
    True
    """
    return model.twin() if isinstance(model, Foreign) else model
