"""The marker of arrays that no gradient moves."""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float, PyTree


class Fixed(eqx.Module):
    """Marker: arrays below this node are set in closed form and never moved by a gradient.

    >>> from dynlearn.models import Scaling
    >>> isinstance(Scaling.unit(outputs=2), Fixed)
    True
    """


class Constant(Fixed):
    """One array that no gradient moves."""

    value: Float[Array, "..."]


def is_fixed(node: Any) -> bool:
    return isinstance(node, Fixed)


def trainable(tree: PyTree) -> PyTree:
    """True for every array a gradient may move, False elsewhere and for `Fixed` nodes whole."""
    return jax.tree.map(
        lambda leaf: not is_fixed(leaf) and eqx.is_inexact_array(leaf), tree, is_leaf=is_fixed
    )
