"""A model is made of finite numbers: checked wherever one is made or loaded."""

import equinox as eqx
import jax
import numpy as np

from dynlearn.errors import ArgumentError


def check_numbers(node: eqx.Module, at_least_0: tuple[str, ...] = (), above_0: tuple[str, ...] = ()) -> None:
    """Raise `ArgumentError` for an array that is not finite, or for a named field that is negative (or zero).

    Numbers that are being traced have no values yet, and pass.
    """
    name = type(node).__name__
    for path, leaf in jax.tree_util.tree_leaves_with_path(node):
        values = _values(leaf)
        if values is not None and not np.isfinite(values).all():
            bad = int((~np.isfinite(values)).sum())
            raise ArgumentError(
                f"{name}{jax.tree_util.keystr(path)}: expected finite numbers, got {bad} of {values.size} "
                f"that are NaN or infinite; look for them in what it was made from."
            )
    for names, sign in ((at_least_0, ">= 0"), (above_0, "> 0")):
        for field in names:
            values = _values(getattr(node, field))
            if values is not None and not ((values >= 0) if sign == ">= 0" else (values > 0)).all():
                raise ArgumentError(f"{name}.{field}: expected numbers {sign}, got {values.min():.3g}.")


def _values(leaf: object) -> np.ndarray | None:
    if isinstance(leaf, jax.core.Tracer) or not eqx.is_inexact_array_like(leaf):
        return None
    return np.asarray(leaf)
