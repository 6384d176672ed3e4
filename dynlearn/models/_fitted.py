"""Whether a model may be asked for distributions."""

import equinox as eqx
import jax

from dynlearn.models._foreign import Foreign, as_model


def is_fitted(model: eqx.Module | Foreign) -> bool:
    """Whether every noise in it (a node with a field `fitted`) has been set by a fit, or by its maker."""
    return not any(_waits(node) for node in jax.tree.leaves(as_model(model), is_leaf=_waits))


def _waits(node: object) -> bool:
    return isinstance(node, eqx.Module) and getattr(node, "fitted", True) is False
