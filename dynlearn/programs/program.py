"""A program: a graph of ATen operations with its weights, evaluated by JAX."""

from operator import getitem
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from dynlearn.errors import ArgumentError
from dynlearn.numerics.fixed import Fixed
from dynlearn.programs.graph import Dtype, Graph, Input, Ref, decode
from dynlearn.programs.table import OPERATIONS


class Constants(Fixed):
    """Buffers, frozen parameters and tensors written into the code: no gradient moves them."""

    names: tuple[str, ...] = eqx.field(static=True)
    arrays: tuple[Array, ...]


class Program(eqx.Module):
    """A PyTorch module as a JAX function: `dynlearn.torch.lower` makes it, no PyTorch is needed to run it.

    Shapes are those it was lowered with; batch it with `jax.vmap`. It is a pytree: `weights` are its
    leaves, under the names the module gives them (`names`), in the same order; `constants` is a `Fixed` node.

    Args:
        weights: what training moves, each as the module shapes it.
        names: their names in the module, as in its `state_dict`.
        constants: buffers, frozen parameters, tensors written into the code.
        text: the graph as JSON, see `graph`.

    >>> import torch, dynlearn.torch
    >>> program = dynlearn.torch.lower(torch.nn.Linear(2, 3), torch.zeros(2))
    >>> program.names, program(jnp.zeros(2)).shape
    (('weight', 'bias'), (3,))
    """

    weights: tuple[Array, ...]
    names: tuple[str, ...] = eqx.field(static=True)
    constants: Constants
    text: str = eqx.field(static=True, repr=False)

    @property
    def graph(self) -> Graph:
        """Inputs, operations and outputs as records."""
        return decode(self.text)

    def __call__(self, *inputs: PyTree[Array]) -> PyTree[Array]:
        """What the module's `forward` returns for `inputs`, in the structure in which it returns it.

        Args:
            inputs: as in the example the module was lowered with: same structure, same shapes.

        Raises:
            ArgumentError: inputs of another number, shape or kind of number.
        """
        graph = self.graph
        values: dict[str, Any] = _checked(graph.inputs, jax.tree.leaves(inputs))
        own = zip(self.names + self.constants.names, self.weights + self.constants.arrays, strict=True)
        values.update((f"self.{name}", array) for name, array in own)
        for node in graph.nodes:
            arguments = _filled(node.arguments, values)
            options = {name: _filled(value, values) for name, value in node.options}
            function = getitem if node.operation == "getitem" else OPERATIONS[node.operation]
            values[node.name] = function(*arguments, **options)
        return _filled(graph.output, values)


def _filled(value: Any, values: dict[str, Any]) -> Any:
    """`value` with arrays for references and dtypes for their names."""
    if isinstance(value, Ref):
        return values[value.name]
    if isinstance(value, Dtype):
        return value.resolve()
    if isinstance(value, tuple | list):
        return type(value)(_filled(item, values) for item in value)
    if isinstance(value, dict):
        return {key: _filled(item, values) for key, item in value.items()}
    return value


def _checked(expected: tuple[Input, ...], given: list[Any]) -> dict[str, Array]:
    if len(given) != len(expected):
        raise ArgumentError(
            f"this program was lowered with {len(expected)} input arrays, got {len(given)}; "
            f"pass what the module's forward takes."
        )
    found = {}
    for one, value in zip(expected, given, strict=True):
        array = jnp.asarray(value)
        if array.shape != one.shape:
            raise ArgumentError(
                f"input {one.name!r}: the module was lowered with shape {one.shape}, got {array.shape}; "
                f"batch with jax.vmap, or lower the module again with an example of that shape."
            )
        if one.dtype.name != "float" and jnp.issubdtype(array.dtype, jnp.inexact):
            raise ArgumentError(
                f"input {one.name!r}: the module was lowered with {one.dtype.name} numbers, got {array.dtype}; "
                f"convert it with .astype({one.dtype.name})."
            )
        found[one.name] = array.astype(one.dtype.resolve())
    return found
