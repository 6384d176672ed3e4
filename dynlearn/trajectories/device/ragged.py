"""Runs of very unequal length: which they are, and groups of similar length among them."""

import numpy as np

WASTE = 4
"""Padded to so many times their samples, runs are worth laying out anew."""
SMALL = 2**16
"""Entries `(run, time)` of a padded array below which they are not."""


def is_ragged(lengths: np.ndarray) -> bool:
    """Whether padding these runs to the longest takes far more than they have.

    >>> is_ragged(np.array([100_000] + 999 * [3])), is_ragged(np.array([100_000, 30_000]))
    (True, False)
    """
    padded = lengths.size * int(lengths.max())
    return padded > SMALL and padded > WASTE * int(lengths.sum())


def groups(lengths: np.ndarray) -> list[np.ndarray]:
    """The places of runs of similar length: a few groups, each padded little; one of all where they are not ragged.

    Cut in two where that saves most, until `WASTE` is kept: every group is one more program to compile.

    >>> [which.tolist() for which in groups(np.array([3, 70_000, 2, 3, 1]))]
    [[0, 2, 3, 4], [1]]
    """
    if not is_ragged(lengths):
        return [np.arange(lengths.size)]
    found = [np.argsort(lengths, kind="stable")]
    while sum(which.size * lengths[which[-1]] for which in found) > WASTE * lengths.sum():
        saved = [np.arange(1, g.size + 1) * (lengths[g[-1]] - lengths[g]) for g in found]
        worst = int(np.argmax([s.max() for s in saved]))
        cut = int(np.argmax(saved[worst])) + 1
        found[worst : worst + 1] = [found[worst][:cut], found[worst][cut:]]
    return [np.sort(which) for which in found]
