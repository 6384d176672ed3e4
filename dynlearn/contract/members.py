"""Members: models that are several models of one kind, their arrays stacked."""

from typing import Any, TypeGuard, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from dynlearn.contract.markers import AbstractMembers
from dynlearn.contract.model import AbstractModel, with_fields

Tree = TypeVar("Tree")


def has_members(model: Any) -> TypeGuard[AbstractMembers]:
    """Whether `model` is several of one kind."""
    return isinstance(model, AbstractMembers)


def kind_of(model: AbstractModel) -> AbstractModel:
    """What each member is: structure and settings of one; its arrays are those of all, stacked. Else the model."""
    return model.members if has_members(model) else model


def one_of(model: AbstractModel) -> AbstractModel:
    """The first member, or the model."""
    return model.member(0) if has_members(model) else model


def each_of(model: AbstractModel) -> list[AbstractModel]:
    """Every member, or the model alone."""
    return [model.member(i) for i in range(model.size)] if has_members(model) else [model]


def like(model: AbstractModel, fitted: AbstractModel) -> AbstractModel:
    """`fitted`, what `kind_of(model)` became, as what `model` is."""
    return with_fields(model, members=fitted) if has_members(model) else fitted


def stacked(trees: list[Tree]) -> Tree:
    """Trees of one structure as one, their arrays stacked along a first axis."""
    return jax.tree.map(
        lambda *leaves: jnp.stack(leaves) if isinstance(leaves[0], jax.Array | np.ndarray) else leaves[0],
        *trees,
    )
