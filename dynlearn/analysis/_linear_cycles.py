"""Cycles of a piecewise-linear map, found exactly: a cycle solves a linear system once its regions are known."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float

from dynlearn.analysis._cycle import Cycle, of_product
from dynlearn.analysis._pieces import PiecewiseMap

ON_EDGE = 1e-9
"""A unit this close to its threshold, relative to the points, may be on or off: the map is continuous there."""
TRIES = 100
"""Guesses of a cycle's regions, each from the solution of the last one."""
EXPANDS = 1e6
"""Where errors may grow by more along a cycle, all its points are solved for at once."""
SINGULAR = 1e-12
AT_ONCE = 2**22
"""Numbers in the Jacobians that are multiplied together at once."""


def search(
    map: PiecewiseMap, guesses: Bool[np.ndarray, "guess phase unit"], tries: int = TRIES
) -> Iterator[Cycle]:
    """Cycles from guesses of their regions: solve, guess the regions of the solution, until they agree."""
    seen: set[bytes] = set()
    for _ in range(tries):
        guesses = _unseen(guesses, seen)
        if not len(guesses):
            return
        rows = max(1, AT_ONCE // (guesses.shape[1] * map.h.size**2))
        parts = [_solved(map, guesses[i : i + rows]) for i in range(0, len(guesses), rows)]
        points, through = (np.concatenate(leaf) for leaf in zip(*parts, strict=True))
        there = np.isfinite(points).all((1, 2)) & np.isfinite(through).all((1, 2))
        points, through, guesses = points[there], through[there], guesses[there]
        agree = _visits(map, points, guesses)
        for z, J in zip(points[agree], through[agree], strict=True):
            yield Cycle(z, of_product(J))
        guesses = map.pattern(points[~agree])


def _unseen(
    guesses: Bool[np.ndarray, "guess phase unit"], seen: set[bytes]
) -> Bool[np.ndarray, "new phase unit"]:
    """Those that nobody came to before, who would have gone on from there as this one."""
    new = []
    for guess in guesses:
        if (key := guess.tobytes()) not in seen:
            seen.add(key)
            new.append(guess)
    return np.array(new, bool).reshape(len(new), *guesses.shape[1:])


def _visits(
    map: PiecewiseMap,
    points: Float[np.ndarray, "guess phase z"],
    guesses: Bool[np.ndarray, "guess phase unit"],
) -> Bool[np.ndarray, " guess"]:
    """Whether the points lie in these regions, or on their edges, and the map leads from each to the next."""
    size = 1 + np.abs(points).max((1, 2), initial=0)[:, None, None]
    height = map.height(points)
    inside = ((height > 0) == guesses) | (np.abs(height) <= ON_EDGE * size)
    returns = np.abs(map(points) - np.roll(points, -1, axis=1)) <= ON_EDGE * size
    return inside.all((1, 2)) & returns.all((1, 2))


def _solved(
    map: PiecewiseMap, guesses: Bool[np.ndarray, "guess phase unit"]
) -> tuple[Float[np.ndarray, "guess phase z"], Float[np.ndarray, "guess z z"]]:
    """The cycles that would visit these regions, whether or not they do, and the maps around them.

    NaN where a cycle is not the only one.
    """
    J, b = map.affine(guesses)
    count, period, n = b.shape
    through, offset, grown = np.broadcast_to(np.eye(n), (count, n, n)), np.zeros((count, n)), np.ones(count)
    for k in range(period):
        through = J[:, k] @ through
        offset = _times(J[:, k], offset) + b[:, k]
        grown = np.maximum(grown, np.abs(through).max((1, 2)))
    points = np.full((count, period, n), np.nan)
    calm = grown < EXPANDS
    points[calm, 0] = _unique(np.eye(n) - through[calm], offset[calm])
    for k in range(period - 1):
        points[calm, k + 1] = _times(J[calm, k], points[calm, k]) + b[calm, k]
    points[~calm] = _all_at_once(J[~calm], b[~calm])
    return points, through


def _all_at_once(
    J: Float[np.ndarray, "guess phase z z"], b: Float[np.ndarray, "guess phase z"]
) -> Float[np.ndarray, "guess phase z"]:
    """z_{k+1} = J_k z_k + b_k around a cycle, by orthogonal elimination: no error grows along it.

    1. The equations so far say  first z_0 + last z_k = right.
    2. With the next one, -J_k z_k + z_{k+1} = b_k, the factor Q of [last; -J_k] takes z_k out of half of them.
    3. The other half, R z_k + (..) z_0 + (..) z_{k+1} = .., is kept to find z_k when its neighbours are known.
    """
    count, period, n = b.shape
    eye, none = np.broadcast_to(np.eye(n), J[:, 0].shape), np.zeros(J[:, 0].shape)
    first, last, right = -J[:, 0], eye, b[:, 0]
    kept = []
    for k in range(1, period):
        Q, R = np.linalg.qr(np.concatenate([last, -J[:, k]], axis=1), mode="complete")
        back = np.swapaxes(Q, 1, 2)
        of_first = back @ np.concatenate([first, none], axis=1)
        of_next = back @ np.concatenate([none, eye], axis=1)
        rights = _times(back, np.concatenate([right, b[:, k]], axis=1))
        kept.append((R[:, :n], of_first[:, :n], of_next[:, :n], rights[:, :n]))
        first, last, right = of_first[:, n:], of_next[:, n:], rights[:, n:]
    points = np.full((count, period, n), np.nan)
    points[:, 0] = _unique(first + last, right)
    for k in range(period - 1, 0, -1):
        R, of_first, of_next, rights = kept[k - 1]
        ahead = points[:, (k + 1) % period]
        points[:, k] = _unique(R, rights - _times(of_first, points[:, 0]) - _times(of_next, ahead))
    return points


def _unique(A: Float[np.ndarray, "row z z"], b: Float[np.ndarray, "row z"]) -> Float[np.ndarray, "row z"]:
    """Solutions of A x = b, NaN where A is singular or not finite."""
    found = np.full(b.shape, np.nan)
    sound = np.isfinite(A).all((1, 2)) & np.isfinite(b).all(1)
    Q, R = np.linalg.qr(np.where(sound[:, None, None], A, 0))
    diagonal = np.abs(np.diagonal(R, axis1=1, axis2=2))
    sound &= diagonal.min(1) > SINGULAR * diagonal.max(1)
    found[sound] = np.linalg.solve(R[sound], _times(np.swapaxes(Q[sound], 1, 2), b[sound])[..., None])[..., 0]
    return found


def _times(A: Float[np.ndarray, "row m n"], x: Float[np.ndarray, "row n"]) -> Float[np.ndarray, "row m"]:
    return (A @ x[..., None])[..., 0]
