"""Padded arrays, some runs at a time: what is computed of them makes no other array of their size."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dynlearn.errors import SchemaError

AT_ONCE = 2**20
"""Entries `(run, time)` looked at together, about; at least one run."""


def blocks(runs: int, length: int) -> list[slice]:
    """Consecutive runs, so many at a time that a block has about `AT_ONCE` entries; one block of all where it can be.

    >>> blocks(3, 2**19)
    [slice(0, 2, None), slice(2, 4, None)]
    """
    step = max(1, AT_ONCE // max(length, 1))
    return [slice(i, i + step) for i in range(0, max(runs, 1), step)]


def by_runs(found: Callable[[np.ndarray], np.ndarray], values: np.ndarray) -> np.ndarray:
    """`found` of blocks of `values` (run, time, ...), one after the other."""
    return np.concatenate([found(values[runs]) for runs in blocks(*values.shape[:2])])


def intervals(t: np.ndarray) -> np.ndarray:
    """The time from every sample of a run to the next, run after run. `t`: (run, time), NaN after the end of a run.

    >>> intervals(np.array([[0.0, 0.5, 2.0], [0.0, 1.0, np.nan]])).tolist()
    [0.5, 1.5, 1.0]
    """

    def one(t: np.ndarray) -> np.ndarray:
        steps = np.diff(t, axis=1)
        return steps[~np.isnan(steps)]

    return by_runs(one, t)


def each(check: Callable[[Any], object], ds: Any) -> None:
    """`check` of the runs of a dataset; where some of them are refused, of all at once, to say how many."""
    parts = blocks(ds.sizes["trajectory"], ds.sizes["time"])
    if len(parts) == 1:
        check(ds)
        return
    try:
        for runs in parts:
            check(ds.isel(trajectory=runs))
    except SchemaError:
        check(ds)
        raise
