"""Whether a model may be asked for distributions."""

import equinox as eqx
import jax


def is_fitted(model: eqx.Module) -> bool:
    """Whether every noise in it (a node with a field `fitted`) has been set by a fit, or by its maker."""
    return not any(_waits(node) for node in jax.tree.leaves(model, is_leaf=_waits))


def _waits(node: object) -> bool:
    return isinstance(node, eqx.Module) and getattr(node, "fitted", True) is False
