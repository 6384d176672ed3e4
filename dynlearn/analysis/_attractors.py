"""What orbits settle on, told apart by where they are, be it a point, a cycle or chaotic."""

from typing import Self

import jax
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.spatial import cKDTree

from dynlearn.analysis.orbit import StateMap, orbits, settled
from dynlearn.numerics.precision import array, compiled

LEAVES, UNSETTLED = -1, -2
"""In the place of an attractor's number."""
TAIL = 32
"""States of an orbit that are compared with an attractor."""
MANY = 32
"""Orbits that are tried at once where one has not settled."""
AT_ONCE = 1024
"""Orbits that are followed side by side."""
HALF = 0.5
"""Of a tail's states: with so many on an attractor it lies there."""
TOUCHES = 0.1
"""Of a settled orbit's states: with so many on another's attractor it is the same one."""
DRIFTS = 1.5
"""Times as far from where it was long ago as from where it was just before: an orbit that moves on. 3 of a slow one."""
STILL = 0.01
"""Of what is near: an orbit that moves on by less stands still."""
SOME = 128
"""States of a stretch that are held against an earlier one."""
NUMBERS = 2**20
"""In differences of states that are computed at once."""
FAR = 1e3
"""Times the size of the starts: an orbit that goes so far has left."""


class Attractor:
    """What settled orbits visited, at the resolution of `near`."""

    def __init__(self, states: Float[np.ndarray, "state z"], outputs: Float[np.ndarray, "step output"]):
        self.states, self.outputs = states, outputs
        self._tree = cKDTree(states)

    def share(self, z: Float[np.ndarray, "*run state z"], near: float) -> Float[np.ndarray, "*run"]:
        """Of these states, those that are so near to its own."""
        return np.mean(self._tree.query(z)[0] < near, axis=-1)

    def with_others(self, others: list[Self]) -> Self:
        both = zip(*((one.states, one.outputs) for one in (self, *others)), strict=True)
        return type(self)(*map(np.concatenate, both))


def attractors(
    flow: StateMap, steps: int, near: float
) -> tuple[Int[np.ndarray, " run"], list[Float[np.ndarray, "step output"]]]:
    """The number of each run's attractor, largest basin first, `LEAVES` or `UNSETTLED`; outputs along orbits on each.

    An orbit that has settled, and is on no attractor that was found before, is one; or belongs to those that it
    touches, of which the orbits before have not seen enough. Where one has not settled, many are tried at once next.
    """
    far = FAR * (1 + np.abs(np.asarray(flow.starts)).max())
    z = np.asarray(tails(flow, steps - steps // 4, max(1, steps // (4 * TAIL))), float)
    label = np.where(_within(z, far).all(1), UNSETTLED, LEAVES)
    untried = label == UNSETTLED
    found: dict[int, Attractor] = {}
    count = 1
    while untried.any():
        rows = np.flatnonzero(untried)[:count]
        untried[rows], count = False, MANY
        padded = np.resize(rows, 1 if rows.size == 1 else MANY)
        on_it = orbits(flow.of_runs(padded), array(z[padded, -1]), 0, steps)
        for row, there, y in zip(rows, *(np.asarray(leaf, float) for leaf in on_it), strict=False):
            if label[row] != UNSETTLED:
                continue  # it is on one that others of its batch were found to be on
            if not _within(there, far).all():
                label[row] = LEAVES
                continue
            z[row] = there[np.linspace(-(steps // 3), -1, TAIL).astype(int)]  # where it is by now
            known = [i for i, one in found.items() if one.share(z[row], near) >= HALF]
            if known:
                label[row] = known[0]
            elif _has_settled(there, near):
                same = [i for i, one in found.items() if one.share(there, near) >= TOUCHES]
                whole = Attractor(there, y[-(steps // 2) :]).with_others([found.pop(i) for i in same])
                found[row] = whole
                open_ = np.flatnonzero(label == UNSETTLED)
                belongs = open_[whole.share(z[open_], near) >= HALF]
                label[belongs] = label[row] = label[np.isin(label, same)] = row
                untried[belongs], count = False, 1
    order = sorted(found, key=lambda i: -int(np.sum(label == i)))
    number = {UNSETTLED: UNSETTLED, LEAVES: LEAVES, **{i: k for k, i in enumerate(order)}}
    return np.array([number[i] for i in label]), [found[i].outputs for i in order]


def _has_settled(orbit: Float[np.ndarray, "step z"], near: float) -> bool:
    """Whether an orbit returns to within `near` of its own past, and moves on by less than a quarter of it in all.

    Of its three stretches A, B, C let d(C, B) be the median distance from states in C to where B went. Where an orbit
    returns, be it at rest, around a cycle or chaotic, d(C, A) and d(C, B) are alike. Where it moves on, they differ by
    how much it did in B, and r = d(C, B) / d(B, A) is the share that is left of it in the next stretch: by the sum of
    the geometric series it comes to rest (d(C, A) - d(C, B)) r^2 / (1 - r) from its end.
    """
    n = len(orbit) // 3
    first, second, last = orbit[-3 * n : -2 * n], orbit[-2 * n : -n], orbit[-n:]
    to_second, to_first = (_away(last, past, near) for past in (second, first))
    if np.mean(np.minimum(to_second, to_first) < near) < HALF:
        return False
    earlier, now, far = (float(np.median(d)) for d in (_away(second, first, near), to_second, to_first))
    if far <= max(DRIFTS * now, STILL * near):
        return True
    return now < earlier and (far - now) * now**2 / (earlier * (earlier - now)) < near / 4


def _away(
    z: Float[np.ndarray, "state z"], past: Float[np.ndarray, "step z"], near: float
) -> Float[np.ndarray, " state"]:
    """How far some of these states are from the past: from its states, and from the lines between two `near` ones.

    Where samples happen to fall along a cycle says nothing of whether it is still the same one.
    """
    if len(z) > SOME:
        z = z[np.linspace(0, len(z) - 1, SOME).astype(int)]

    def few(z):
        there = past - z[:, None]
        distance = np.linalg.norm(there, axis=-1)
        nearest = there[np.arange(len(z)), distance.argmin(1)][:, None]
        line = there - nearest
        square = np.sum(line**2, axis=-1)
        along = np.clip(-np.sum(line * nearest, axis=-1) / np.where(square > 0, square, 1), 0, 1)
        foot = np.linalg.norm(nearest + along[..., None] * line, axis=-1)
        return np.minimum(distance.min(1), np.where(distance < near, foot, np.inf).min(1))

    rows = max(1, NUMBERS // past.size)
    return np.concatenate([few(z[i : i + rows]) for i in range(0, len(z), rows)])


def _within(z: Float[np.ndarray, "*batch z"], far: float) -> np.ndarray:
    """Where a state is no further than that; one that is not a number is not."""
    with np.errstate(invalid="ignore"):
        return np.abs(z).max(-1) < far


@compiled
def tails(map: StateMap, settle: int, apart: int) -> Float[Array, "run state z"]:
    """States of every orbit, `TAIL` of them, so many steps apart once it has settled."""

    def one(run):
        kept, z = run
        z = settled(map, kept, z, settle)

        def body(z, _):
            z = settled(map, kept, z, apart)
            return z, z

        return jax.lax.scan(body, z, None, length=TAIL)[1]

    return jax.lax.map(one, (map.kept, map.starts), batch_size=AT_ONCE)
