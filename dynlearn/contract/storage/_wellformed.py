"""Whether what a file describes is a model: types and shapes of every field, and one step in the abstract."""

import dataclasses
import enum
import math
import types
import typing
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np

from dynlearn.contract.checks.memory import LARGEST
from dynlearn.contract.members import has_members
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError
from dynlearn.trajectories.window import Window

OURS = ("dynlearn", "equinox")
"""Packages whose fields hold what they are declared to."""


def check_wellformed(model: AbstractModel) -> None:
    """Raise `ArgumentError` (or what JAX says of shapes) unless the model could have been built by its family."""
    _check(model, "model")
    if model.memory > LARGEST:
        raise ArgumentError(f"model: a memory of {model.memory} samples")
    state, after, mean = eqx.filter_eval_shape(_one_step, model)
    if not eqx.tree_equal(state, after):
        raise ArgumentError("model: a step leads to a state of another shape")
    if mean.shape != (model.signature.outputs,):
        raise ArgumentError(f"model: outputs of shape {mean.shape}, for {model.signature.outputs} names")


def _past(model: AbstractModel) -> Window:
    k, names = model.memory, model.signature
    return Window(
        time=jnp.zeros(k),
        interval=jnp.zeros(k),
        output=jnp.zeros((k, names.outputs)),
        observed=jnp.zeros((k, names.outputs), bool),
        control=jnp.zeros((k, names.controls)),
        valid=jnp.zeros(k, bool),
        static=jnp.zeros(names.statics),
    )


def _one_step(model: AbstractModel) -> tuple:
    past = _past(model)
    state = model.infer(past)
    u = past.control[-1]
    after = model.step(state, model.signature.hold.still(u), past.time[-1], past.interval[-1])
    return state, after, model.observe(after, u).mean


def _check_own(node: Any) -> None:
    """What it checks when it is made, now: arrays may have been replaced since."""
    for cls in type(node).__mro__:
        if "__check_init__" in vars(cls):
            vars(cls)["__check_init__"](node)
    if isinstance(node, Signature):
        node.__post_init__()


def _check(node: Any, where: str) -> None:
    if has_members(node):
        # Every array of the members has one axis more than its annotation says.
        sizes = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(eqx.filter(node.members, eqx.is_array))}
        if type(node.size) is not int or sizes != {(node.size,)}:
            raise ArgumentError(
                f"{where}: an ensemble of {node.size!r}, with arrays of {sorted(sizes)} members"
            )
        for i in range(node.size):
            _check(node.member(i), f"{where}.member({i})")
    elif isinstance(node, eqx.Module | Signature):
        _check_fields(node, where)
        _check_own(node)
    elif isinstance(node, tuple | list):
        for i, item in enumerate(node):
            _check(item, f"{where}[{i}]")
    elif isinstance(node, int | float) and not (math.isfinite(node) and abs(node) <= 1e300):
        raise ArgumentError(f"{where}: {node!r}, which is no finite number")


def _check_fields(node: Any, where: str) -> None:
    # What a class of the user's own says of its fields is meant for readers: nobody held it to that when it was made.
    hints = typing.get_type_hints(type(node)) if type(node).__module__.split(".")[0] in OURS else {}
    # Within one object the same letter is the same size.
    with jaxtyping.jaxtyped("context"):
        for field in dataclasses.fields(node):
            value, hint = getattr(node, field.name), hints.get(field.name, Any)
            value = value.item() if isinstance(value, np.generic) else value  # as it is written
            if not _fits(value, hint):
                raise ArgumentError(
                    f"{where}.{field.name}: expected {_named(hint)}, found {_described(value)}"
                )
            _check(value, f"{where}.{field.name}")


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in arguments)
    if hint is Any:
        return True
    if origin is typing.Literal:
        return value in arguments
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        each = arguments[:1] * len(value) if arguments[1:] == (...,) else arguments
        return len(each) == len(value) and all(map(_fits, value, each))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return value in [one.value for one in hint]  # a file has its value
    if origin is Callable or hint is Callable:
        return callable(value)
    if hint is float:
        return type(value) in (int, float)
    if hint in (int, bool, str):
        return type(value) is hint
    return isinstance(value, hint) if isinstance(hint, type) else True


def _named(hint: Any) -> str:
    return getattr(hint, "__name__", str(hint))


def _described(value: Any) -> str:
    return f"an array of shape {value.shape}" if hasattr(value, "shape") else f"{value!r:.60}"
