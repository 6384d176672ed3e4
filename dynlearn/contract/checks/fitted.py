"""Whether a model may be asked for distributions."""

import equinox as eqx
import jax

from dynlearn.contract.foreign import Foreign, as_model
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError


def is_fitted(model: eqx.Module | Foreign) -> bool:
    """Whether every noise in it (a node with a field `fitted`) has been set by a fit, or by its maker.

    Args:
        model: a model, or a part of one.

    Returns:
        True where forecasts may rely on its noise; also where it has none.

    >>> from dynlearn.models import LinearStateSpace, Signature
    >>> walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[0.1]], "R": [[1.0]]}
    >>> made = [LinearStateSpace.from_matrices(Signature(("y",), interval=1.0), walk, fitted=f) for f in (True, False)]
    >>> [is_fitted(model) for model in made]
    [True, False]
    """
    return not any(_waits(node) for node in jax.tree.leaves(as_model(model), is_leaf=_waits))


def _waits(node: object) -> bool:
    return isinstance(node, eqx.Module) and getattr(node, "fitted", True) is False


def check_fitted(verb: str, model: AbstractModel) -> None:
    """Raise `ArgumentError` where `verb` would speak of noises that nobody has set."""
    if not is_fitted(model):
        raise ArgumentError(
            f"{verb}: this {type(model).__name__} has not been fitted, its intervals would mean nothing; call "
            f"dl.fit(model, train, validation).model first (with method='calibration' where its dynamics are to "
            f"stay as they are)."
        )
