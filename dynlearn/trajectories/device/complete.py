"""Complete samples in a row, of which what reads several samples needs so many."""

import numpy as np
from jaxtyping import Bool, Int


def in_a_row(complete: Bool[np.ndarray, "run time"]) -> Int[np.ndarray, "run time"]:
    """How many complete samples there are in a row up to each one, which counts.

    >>> in_a_row(np.array([[True, True, False, True]])).tolist()
    [[1, 2, 0, 1]]
    """
    index = np.arange(complete.shape[1], dtype=np.int32)
    last_gap = np.maximum.accumulate(np.where(complete, np.int32(-1), index), axis=1)
    return index - last_gap
