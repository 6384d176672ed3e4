"""What of a model is not an array: where its arrays go, what they are called, its maps compiled for torch."""

from collections.abc import Callable, Iterable
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, PyTree

from dynlearn.contract.markers import AbstractContinuous
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.rollout import pieces_needed
from dynlearn.contract.scaling import Fixed
from dynlearn.models.neural.map import NeuralMap
from dynlearn.models.neural.sde import NeuralSDE
from dynlearn.models.neural.state_model import AbstractStateModel
from dynlearn.models.wrappers.smoothed import Smoothed
from dynlearn.programs.program import Program
from dynlearn.torch.shared.autograd import Compiled


class Skeleton:
    """A model without its arrays. It never changes: copies of a torch module share it, and what it compiled.

    Args:
        arrays: of the model it was made of.
        names: where each of them is in the model, e.g. "field.network.layers.0.weight".
        trained: which of them a gradient moves.
        signature, method, memory, required: of the model.
        maps: which of its maps take a batch of state vectors: of "vector_field", "diffusion", "step".
        states: the length of such a vector.
    """

    def __init__(self, model: AbstractModel):
        dynamic, self._static = eqx.partition(model, eqx.is_array)
        found, self._tree = jax.tree_util.tree_flatten_with_path(dynamic)
        self.arrays: tuple[Array, ...] = tuple(array for _, array in found)
        self.names = tuple(".".join(map(_segment, path)) for path, _ in found)
        self.trained = tuple(jax.tree.leaves(_trained(dynamic)))
        self.signature, self.method = model.signature, model.method
        self.memory, self.required = model.memory, model.required
        inner: Any = model.model if isinstance(model, Smoothed) else model
        self.maps = _maps_of(inner)
        self.states = self.signature.outputs + (inner.hidden if self.maps else 0)
        self._compiled: dict[tuple, Compiled] = {}

    def __deepcopy__(self, memo: dict) -> "Skeleton":
        return self

    def model(self, arrays: Iterable[Array]) -> Any:
        """The model with these arrays instead, in the order of `names`."""
        return eqx.combine(jax.tree.unflatten(self._tree, list(arrays)), self._static)

    def pieces(self, interval: float) -> int:
        """How many steps of the model cross an interval."""
        return pieces_needed(self._static, interval)

    def compiled(self, function: Callable, *settings: int) -> Compiled:
        """`function(model, inputs, *settings)`, which returns (outputs, extra), as one of (*arrays, *inputs)."""
        key = function, *settings
        if key not in self._compiled:
            count = len(self.names)
            self._compiled[key] = Compiled(
                lambda *arrays: function(self.model(arrays[:count]), arrays[count:], *settings)
            )
        return self._compiled[key]


def readable(model: AbstractModel, names: Iterable[str]) -> list[str]:
    """`names`, those of the weights of a program (`from_module`) as its torch module has them."""
    nodes = jax.tree_util.tree_flatten_with_path(model, is_leaf=lambda node: isinstance(node, Program))[0]
    own: dict[str, str] = {}
    for path, node in nodes:
        if isinstance(node, Program):
            where = ".".join(map(_segment, path))
            for kind, given in (("weights", node.names), ("constants.arrays", node.constants.names)):
                own |= {f"{where}.{kind}.{i}": f"{where}.{name}" for i, name in enumerate(given)}
    return [own.get(name, name) for name in names]


def _maps_of(model: Any) -> tuple[str, ...]:
    """A state that is one vector (scaled outputs, then hidden states) is what a caller can have in hand."""
    if isinstance(model, NeuralMap):
        return ("step",)
    if not (isinstance(model, AbstractStateModel) and isinstance(model, AbstractContinuous)):
        return ()
    return ("vector_field", "diffusion") if isinstance(model, NeuralSDE) else ("vector_field",)


def _trained(tree: PyTree) -> PyTree:
    def mark(node):
        fixed = isinstance(node, Fixed)
        return jax.tree.map(lambda leaf: not fixed and eqx.is_inexact_array(leaf), node)

    return jax.tree.map(mark, tree, is_leaf=lambda node: isinstance(node, Fixed))


def _segment(key: Any) -> str:
    """One step of a path into a pytree: a field, an index, or a key."""
    for attribute in ("name", "idx", "key"):
        if hasattr(key, attribute):
            return str(getattr(key, attribute))
    raise TypeError(f"expected a field, an index or a key, got {key!r}")
