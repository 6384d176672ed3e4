"""Whether rounded instants still tell what lies between them, and whether a function reads them."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import partial_eval

from dynlearn.errors import ArgumentError

CARRIED = 0.05
"""Instants must be resolved to this share of an interval."""


def coarse(times: np.ndarray, steps: np.ndarray, dtype: np.dtype) -> int | None:
    """Index of the first instant whose neighbours in `dtype` are too far apart for its step; NaN, padding, has none.

    >>> coarse(np.array([1e5, 1e9]), np.array([0.5, 0.5]), np.float32)
    1
    """
    apart = np.spacing(np.abs(times).astype(dtype)).astype(float)
    with np.errstate(invalid="ignore"):
        lost = np.flatnonzero((steps != 0) & (apart > CARRIED * np.abs(steps)))
    return int(lost[0]) if lost.size else None


def check_resolved(name: str, times: np.ndarray, dtype: np.dtype) -> None:
    """Raise where rounding to `dtype` takes steps away or bends them; NaN stands for padding."""
    lost = coarse(times[:-1], np.diff(times), dtype)
    if lost is not None:
        first, second, kind = float(times[lost]), float(times[lost + 1]), np.dtype(dtype).name
        apart = float(np.spacing(np.asarray(abs(first), dtype)))
        raise ArgumentError(
            f"{name}: {first!r} and {second!r} are too near each other for {kind}, which resolves instants there to "
            f"{apart:.2g}; subtract the first instant from all of them (a field that reads the time adds it again), or "
            f"call jax.config.update('jax_enable_x64', True) and use float64."
        )


def reads(function: Callable, place: int, *shapes: tuple[int, ...]) -> bool:
    """Whether a function of arrays of these shapes uses its argument number `place` for what it returns.

    >>> reads(lambda t, x: jnp.sin(x), 0, (), (2,)), reads(lambda t, x: t * x, 0, (), (2,))
    (False, True)
    """
    dtype = jnp.result_type(float)
    traced = jax.make_jaxpr(function)(*(jax.ShapeDtypeStruct(shape, dtype) for shape in shapes)).jaxpr
    # Looks into compiled functions, branches and loops, which are handed arguments that they then leave alone.
    _, used = partial_eval.dce_jaxpr(traced, [True] * len(traced.outvars))
    return used[place]
