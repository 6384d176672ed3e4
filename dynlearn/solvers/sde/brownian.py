"""Brownian paths on a grid: reproducible from a key, and the same path when the grid is refined."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from dynlearn.errors import ArgumentError, check_count
from dynlearn.numerics.keys import as_key
from dynlearn.solvers.checks import is_traced
from dynlearn.solvers.sde._bridge import Cells, drawn, refined


class Brownian(eqx.Module):
    """Increments W of a Brownian motion over the pieces of a grid, and their space-time Lévy areas H.

        W = W(t) - W(s),    H = 1/h int_s^t (W(r) - W(s) - (r - s)/h W) dr,    h = t - s

    W ~ N(0, h) and H ~ N(0, h/12) are independent; int_s^t (W(r) - W(s)) dr = h (W/2 + H).

    Args:
        W: `(interval, piece, noise)`, in square roots of time.
        H: likewise.

    >>> path = brownian_areas(0, jnp.ones(3), 2)
    >>> path.W.shape, path.H.shape
    ((3, 1, 2), (3, 1, 2))
    """

    W: Float[Array, "interval piece noise"]
    H: Float[Array, "interval piece noise"] | None
    """None where no scheme asked for it."""


def brownian_increments(
    key: int | Key[Array, ""], intervals: Float[Array, " interval"], noise_size: int, *, substeps: int = 1
) -> Float[Array, "interval substep noise"]:
    """What `noise_size` independent Brownian motions do in each of `substeps` equal parts of each interval.

    `solve_sde` on a fixed grid, with this key and without control knots between the instants,
    meets exactly these numbers.

    The same key gives the same path, whatever else is asked of it: more intervals at the end leave
    the earlier ones alone; increments over an interval sum to the same number (up to rounding) for
    every `substeps`; and those for 2 `substeps` sum, in pairs, to those for `substeps`.

    Args:
        key: an int or a JAX key.
        intervals: lengths in time, shape `(interval,)`, >= 0. One of no length has increments 0.
        noise_size: how many motions.
        substeps: parts of an interval, at least 1.

    Returns:
        Increments of shape `(interval, substep, noise)`, in square roots of time.

    Raises:
        ArgumentError: a length below 0, sizes below 1.

    Reference: Karatzas, Shreve, "Brownian Motion and Stochastic Calculus", 1991, section 5.6.B.

    >>> import jax.numpy as jnp
    >>> coarse = brownian_increments(0, jnp.array([0.5, 1.5]), 2)
    >>> fine = brownian_increments(0, jnp.array([0.5, 1.5]), 2, substeps=4)
    >>> fine.shape
    (2, 4, 2)
    >>> bool(jnp.allclose(fine.sum(1), coarse[:, 0], atol=1e-6))
    True
    """
    intervals = _checked(intervals, noise_size, substeps)
    return _path(as_key(key), intervals, noise_size, substeps, levy=False).W


def brownian_areas(
    key: int | Key[Array, ""], intervals: Float[Array, " interval"], noise_size: int, *, substeps: int = 1
) -> Brownian:
    """Increments and space-time Lévy areas, as `sra1` needs them: see `Brownian`.

    Consistent under refinement in the pair: two neighbours 1 and 2 of length h make one of length
    2 h with W = W_1 + W_2 and H = (H_1 + H_2)/2 + (W_1 - W_2)/4. Over whole intervals, W is that
    of `brownian_increments`; inside, the path is another one, for it is bound to H as well.

    Args:
        key: an int or a JAX key.
        intervals: lengths in time, shape `(interval,)`, >= 0.
        noise_size: how many motions.
        substeps: parts of an interval, at least 1.

    Returns:
        `Brownian` with arrays of shape `(interval, substep, noise)`.

    Raises:
        ArgumentError: a length below 0, sizes below 1.

    Reference: Foster, Lyons, Oberhauser, "An optimal polynomial approximation of Brownian motion",
    SIAM J. Numer. Anal. 58, 2020 (the joint bridge of W and H).

    >>> import jax.numpy as jnp
    >>> path = brownian_areas(0, jnp.ones(3), 1, substeps=2)
    >>> bool(jnp.allclose(path.W.sum(1), brownian_increments(0, jnp.ones(3), 1)[:, 0], atol=1e-6))
    True
    """
    intervals = _checked(intervals, noise_size, substeps)
    return _path(as_key(key), intervals, noise_size, substeps, levy=True)


@partial(jax.jit, static_argnames=("noise_size", "substeps", "levy"))
def _path(key: Key[Array, ""], lengths: Array, noise_size: int, substeps: int, levy: bool) -> Brownian:
    path = drawn(key, lengths, noise_size, levy=levy)
    return as_brownian(refined(path, key, Cells.whole(lengths), substeps))


def as_brownian(path: Float[Array, "interval piece kind noise"]) -> Brownian:
    return Brownian(path[:, :, 0], path[:, :, 1] if path.shape[2] == 2 else None)


def _checked(intervals: Float[Array, " interval"], noise_size: int, substeps: int) -> Array:
    check_count("noise_size", noise_size, 1)
    check_count("substeps", substeps, 1)
    intervals = jnp.asarray(intervals)
    if not jnp.issubdtype(intervals.dtype, jnp.floating):
        intervals = intervals.astype(float)
    if intervals.ndim != 1:
        raise ArgumentError(
            f"intervals: expected the lengths of the intervals of one path, shape (interval,), got shape "
            f"{intervals.shape}; batch with jax.vmap over key and intervals."
        )
    if not is_traced(intervals) and (np.asarray(intervals) < 0).any():
        raise ArgumentError(f"intervals: expected lengths >= 0, got {np.asarray(intervals).min():g}.")
    return intervals
