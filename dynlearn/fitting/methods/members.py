"""Members that train side by side: one whose numbers are no longer finite stands still, the others go on."""

from collections.abc import Sequence
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

Tree = TypeVar("Tree")


def keys_of(key: Key[Array, ""], size: int) -> Key[Array, " member"]:
    """One for each member."""
    return jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(size))


def finite(tree: Any) -> Bool[Array, " member"]:
    """Of every member, whether all its numbers are."""
    leaves = [leaf for leaf in jax.tree.leaves(tree) if eqx.is_inexact_array(leaf)]
    each = [jnp.isfinite(leaf).reshape(leaf.shape[0], -1).all(1) for leaf in leaves]
    return jnp.stack(each).all(0)


def where(member: Bool[Array, " member"], new: Tree, old: Tree) -> Tree:
    """`new` of these members, `old` of the others; nothing of what is not taken comes through."""

    def chosen(a: Array, b: Array) -> Array:
        return jnp.where(member.reshape(-1, *(1,) * (a.ndim - 1)), a, b)

    return jax.tree.map(chosen, new, old)


def means(
    member: Bool[Array, " member"], numbers: dict[str, Float[Array, " member"]]
) -> dict[str, Float[Array, ""]]:
    """Over these members; NaN where there is none."""
    return {name: jnp.mean(values, where=member) for name, values in numbers.items()}


def best(score: Sequence[float], diverged: Sequence[int], among: Sequence[int] | None = None) -> int:
    """The member of least score, of those that did not diverge where there are any.

    Args:
        score: of every member.
        diverged: numbers of those that did.
        among: numbers of those to choose from; all if not given.
    """
    candidates = list(range(len(score))) if among is None else list(among)
    stayed = [i for i in candidates if i not in diverged] or candidates
    return stayed[int(np.argmin([score[i] for i in stayed]))]
