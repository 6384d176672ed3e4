"""Dates written without separators, 20240131: numbers to every reader of files, and never meant as such."""

from collections.abc import Sequence

import numpy as np

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.message import refusal


def check_not_compact(runs: Sequence[np.ndarray]) -> None:
    """Raise where every instant is an integer that reads as a day of the calendar.

    In days they would be 1, 2, 3, ... and then 71 from the end of January to the first of February: whoever means
    numbers says so by a float.

    >>> check_not_compact([np.array([20240101, 20240132])])  # there is no 32nd of January
    >>> check_not_compact([np.array([20240101.0, 20240102.0])])
    """
    if any(run.dtype.kind not in "iu" for run in runs):
        return
    values = np.concatenate([run.ravel() for run in runs])
    if values.size == 0 or values.min() < 1000_01_01 or values.max() > 9999_12_31:
        return
    values = values.astype(np.int64)
    month, day = values // 100 % 100, values % 100
    first = ((values // 10_000 - 1970) * 12 + month - 1).astype("datetime64[M]")
    length = (first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")
    if ((month >= 1) & (month <= 12) & (day >= 1) & (day <= length.view(np.int64))).all():
        came = f"integers that all are days of the calendar, such as {values[0]}"
        remedy = (
            'write them as 2024-01-31, or convert them by pandas.to_datetime(values, format="%Y%m%d"); '
            f"where they are numbers, pass floats ({values[0]}.0)"
        )
        raise ArgumentError(refusal("times", "dates as ISO 8601 text, or numbers", came, remedy))
