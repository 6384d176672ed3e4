"""What orbits settle on, told apart by where they are, be it a point, a cycle or chaotic."""

import jax
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.spatial import cKDTree

from dynlearn.analysis.orbit import StateMap, orbits, settled
from dynlearn.numerics.precision import array, compiled

TAIL = 32
"""States of an orbit that are compared with an attractor."""
AT_ONCE = 1024
"""Orbits that are followed side by side."""
FAR = 1e3
"""Times the size of the starts: an orbit that goes so far has left."""


def attractors(
    flow: StateMap, steps: int, near: float
) -> tuple[Int[np.ndarray, " run"], list[Float[np.ndarray, "step output"]]]:
    """The number of each run's attractor, largest basin first, -1 for none; and outputs along an orbit on each."""
    far = FAR * (1 + np.abs(np.asarray(flow.starts)).max())
    z = np.asarray(tails(flow, steps - steps // 4, max(1, steps // (4 * TAIL))), float)
    label = np.full(len(z), -1)
    found: list[np.ndarray] = []
    open_ = np.flatnonzero(_within(z, far).all(1))
    while open_.size:
        first = int(open_[0])
        on_it = orbits(flow.of_runs(slice(first, first + 1)), array(z[first, -1:]), 0, steps)
        there, y = (np.asarray(leaf[0], float) for leaf in on_it)
        belongs = np.arange(open_.size) == 0
        if _within(there, far).all():
            belongs |= np.mean(cKDTree(there).query(z[open_])[0] < near, axis=1) >= 0.5
            label[open_[belongs]] = len(found)
            found.append(y)
        open_ = open_[~belongs]
    order = np.argsort(-np.bincount(label[label >= 0], minlength=len(found)), kind="stable")
    rank = np.append(np.argsort(order), -1)  # the last one is that of -1
    return rank[label], [found[i] for i in order]


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
