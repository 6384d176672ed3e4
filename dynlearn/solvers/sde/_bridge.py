"""Brownian bridges: a path over whole intervals, seen on a finer grid.

Arrays have the shape `(interval, piece, kind, noise)`: of kind 0 is the increment W over a piece
of length h, of kind 1, where asked for, its space-time Lévy area H; W ~ N(0, h), H ~ N(0, h/12).
"""

import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

Path = Float[Array, "interval piece kind noise"]

# What a draw is for: each has a key of its own, so that asking for more never moves what was there before.
_TOTAL, _KNOT, _INSIDE = range(3)
_LEVELS = 5
"""Halvings that are done at once, by one matrix."""


def drawn(key: Key[Array, ""], lengths: Float[Array, " interval"], noise_size: int, *, levy: bool) -> Path:
    """Over whole intervals. More of them begin with the same draws, for JAX's keys are counters."""
    if not len(lengths):
        return jnp.zeros((0, 1, 1 + levy, noise_size), lengths.dtype)
    key, shape = jax.random.fold_in(key, _TOTAL), (len(lengths), 1, 1, noise_size)
    # W is the same with and without H.
    kinds = [_normal(jax.random.fold_in(key, 0), shape, lengths.dtype)]
    if levy:
        kinds.append(12**-0.5 * _normal(jax.random.fold_in(key, 1), shape, lengths.dtype))
    return _root(lengths) * jnp.concatenate(kinds, 2)


class Cells(eqx.Module):
    """The pieces between neighbouring edges of a grid, and what their draws are known by.

    A piece is known by the interval between instants it lies in, `owner`, and by how many pieces of some
    length lie before it there, `rank`: so that a knot that coincides with an instant, or lies outside, moves
    no draw.
    """

    lengths: Float[Array, " cell"]
    owner: Int[Array, " cell"]
    offset: Float[Array, " cell"]
    """From the instant where the owner starts."""
    rank: Int[Array, " cell"] | None
    """None where every interval is one piece."""

    @staticmethod
    def whole(lengths: Float[Array, " cell"]) -> "Cells":
        return Cells(lengths, jnp.arange(len(lengths)), jnp.zeros_like(lengths), None)

    @staticmethod
    def between(edges: Float[Array, " edge"], times: Float[Array, " time"]) -> "Cells":
        """`edges` are the instants and knots, in order."""
        lengths = jnp.diff(edges)
        owner = jnp.clip(jnp.searchsorted(times, edges[:-1], side="right") - 1, 0, len(times) - 2)
        before = jnp.cumsum(lengths > 0) - (lengths > 0)
        first = jnp.searchsorted(edges[:-1], times[owner])
        return Cells(lengths, owner, edges[:-1] - times[owner], before - before[first])

    def keys(self, key: Key[Array, ""]) -> Key[Array, " cell"]:
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, self.owner)
        if self.rank is None:
            return keys
        return jnp.where(self.rank == 0, keys, jax.vmap(jax.random.fold_in)(keys, self.rank))


def through_knots(path: Path, key: Key[Array, ""], times: Float[Array, " time"], cells: Cells) -> Path:
    """The path over `times`, whole intervals, seen in finer cells."""
    lengths, owner = cells.lengths, cells.owner
    whole = jnp.diff(times)[owner]
    keys = cells.keys(jax.random.fold_in(key, _KNOT))
    free = jax.vmap(lambda key: _normal(key, path.shape[1:], path.dtype))(keys)
    return _pinned(
        _root(lengths) * free,
        path,
        _over(lengths, whole)[:, None, None],
        (0.5 - _over(cells.offset + lengths / 2, whole))[:, None, None],
        lambda pieces: jax.ops.segment_sum(pieces, owner, len(times) - 1, indices_are_sorted=True),
        lambda totals: totals[owner],
    )


def refined(path: Path, key: Key[Array, ""], cells: Cells, substeps: int) -> Path:
    """The path on a finer grid: every cell in an odd number of equal pieces, then halved again and again."""
    if substeps == 1 or not len(path):
        return jnp.broadcast_to(path, (len(path), substeps, *path.shape[2:]))
    odd = substeps // (substeps & -substeps)
    split = odd if odd > 1 else 0
    # One call for all levels, the coarsest first: a finer grid draws more, and before that the same.
    draw = jax.vmap(lambda key: _normal(key, (split + substeps - odd, *path.shape[2:]), path.dtype))
    free = _root(cells.lengths) * draw(cells.keys(jax.random.fold_in(key, _INSIDE)))
    if split:
        middle = (jnp.arange(odd, dtype=path.dtype)[:, None] + 0.5) / odd
        path = _pinned(
            odd**-0.5 * free[:, :odd],
            path,
            jnp.full_like(middle, 1 / odd),
            0.5 - middle,
            lambda pieces: pieces.sum(1, keepdims=True),
            lambda totals: totals,
        )
    return _halved(path, free[:, split:], substeps)


def _halved(path: Path, free: Path, substeps: int) -> Path:
    """Halved until there are `substeps` pieces; `free` for pieces as long as the interval."""
    while (pieces := path.shape[1]) < substeps:
        levels = min(_LEVELS, (substeps // pieces).bit_length() - 1)
        n, _, kinds, noise_size = path.shape
        known = [path[:, :, None]]
        for level in range(levels):
            taken, free = jnp.split(free, [pieces * 2**level], axis=1)
            known.append(pieces**-0.5 * taken.reshape(n, pieces, 2**level, kinds, noise_size))
        # A matrix product, because XLA would make one loop of the levels that sums all of them anew for each piece.
        path = jnp.einsum(
            "oi,npim->npom",
            jnp.asarray(_halving(levels, kinds), path.dtype),
            jnp.concatenate(known, 2).reshape(n, pieces, -1, noise_size),
            precision="highest",
        ).reshape(n, -1, kinds, noise_size)
    return path


def _halving(levels: int, kinds: int) -> np.ndarray:
    """From a piece and the draws of so many levels, to what happens in its 2^levels parts."""
    count = 2**levels
    # What is known, as rows that pick it out.
    rows = np.eye(count * kinds).reshape(count, kinds, -1)
    path, free = rows[:1], rows[1:]
    for level in range(levels):
        path = _halves(path, 2 ** (-level / 2) * free[: 2**level])
        free = free[2**level :]
    return path.reshape(count * kinds, -1)


def _halves(path: np.ndarray, free: np.ndarray) -> np.ndarray:
    """`_pinned` for two halves of each piece, in which half of the draws cancel; `free` as for the piece."""
    W, z = path[:, 0], free[:, 0]
    mean, difference = [W / 2], [z / 2]
    if path.shape[1] == 2:
        H, y = path[:, 1], free[:, 1]
        mean, difference = [W / 2, H / 4 - z / 8], [3 / 2 * H + z / 4, y / 2]
    m, d = np.stack(mean, 1), np.stack(difference, 1)
    return np.stack([m + d, m - d], 1).reshape(-1, *m.shape[1:])


def _pinned(
    free: Path,
    whole: Path,
    share: Array,
    centre: Array,
    collect: Callable[[Array], Array],
    spread: Callable[[Array], Array],
) -> Path:
    r"""Independent pieces, corrected so that they make up the wholes they belong to, in law and in fact.

    A whole of length h in pieces of length r_i h around the middles m_i h has

        W = sum_i W_i,    H = sum_i (c_i W_i + r_i H_i),    c_i = 1/2 - m_i,

    and a Gaussian vector given a linear map of it is (Matheron's rule)

        X | A X = b  =  X + Cov(X, A X) Cov(A X)^{-1} (b - A X),

    where Cov(W_i, W) = r_i h, Cov(W_i, H) = r_i c_i h, Cov(H_i, H) = r_i^2 h/12, Cov(W, H) = 0,
    Var(W) = h and Var(H) = h/12: h cancels.
    """
    miss_W = spread(whole[:, :, 0] - collect(free[:, :, 0]))
    way = [share * miss_W]
    if free.shape[2] == 2:
        miss_H = spread(whole[:, :, 1] - collect(centre * free[:, :, 0] + share * free[:, :, 1]))
        way = [share * miss_W + 12 * share * centre * miss_H, share**2 * miss_H]
    return free + jnp.stack(way, 2)


def _normal(key: Key[Array, ""], shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """W ~ N(0, 1) and, as a second kind, H ~ N(0, 1/12)."""
    # Drawn flat: three times as fast on a CPU as in a shape whose sizes are no powers of two, and the same numbers.
    z = jax.random.normal(key, (math.prod(shape),), dtype).reshape(shape)
    return z if shape[-2] == 1 else z * jnp.array([[1.0], [12**-0.5]], dtype)


def _root(h: Float[Array, " interval"]) -> Path:
    """sqrt(h), with slope 0 at h = 0, so that padding has a gradient; NaN for h < 0."""
    return jnp.where(h == 0, 0, jnp.sqrt(jnp.where(h == 0, 1, h)))[:, None, None, None]


def _over(a: Array, b: Array) -> Array:
    """a / b, and 0 where b is 0."""
    return jnp.where(b == 0, 0, a / jnp.where(b == 0, 1, b))
