"""Tables as people have them: pandas with an index of times or of runs, polars, a dict of columns."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.message import refusal


def as_table(frame: Any) -> pd.DataFrame:
    """A pandas frame from one, from a dict of columns, or from a table of another library.

    Of such a table nothing is asked but its column names and, by name, columns that NumPy can read.
    """
    if not isinstance(frame, pd.DataFrame):
        frame = _from_columns(frame)
    if len(frame) == 0:
        raise ArgumentError(refusal("frame", "at least one row", "none", "check the selection or the file"))
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise ArgumentError(
            refusal("frame", "unique column names", f"{twice[0]!r} twice", "rename one of them")
        )
    return frame


def with_index(
    frame: pd.DataFrame, time: str | None, trajectory: str | None, *, asked: bool
) -> tuple[pd.DataFrame, str | None, str | None]:
    """The frame with what its index tells as columns, and the names of the columns of instants and of runs.

    A level of the index can be named like a column. Where no column of instants is given, and one is
    `asked` for, it is the level of dates, periods or time differences; of two levels, the other one is
    the run.
    """
    levels = [frame.index.get_level_values(i) for i in range(frame.index.nlevels)]
    names = [_level_name(frame, i) for i in range(len(levels))]
    if time is None and asked:
        telling = [name for name, level in zip(names, levels, strict=True) if _tells_times(level)]
        time = telling[0] if len(telling) == 1 else None
    if time in names and trajectory is None and len(levels) == 2:
        trajectory = names[1 - names.index(time)]
    new = {}
    for name, level in zip(names, levels, strict=True):
        if name not in (time, trajectory):
            continue
        if name in frame.columns:
            came = f"{name!r} as a column and as a level of the index"
            raise ArgumentError(refusal("frame", "every name once", came, "rename one of them"))
        new[name] = level
    return (frame.assign(**new) if new else frame), time, trajectory


def _from_columns(frame: Any) -> pd.DataFrame:
    if isinstance(frame, Mapping):
        names = list(frame)
    elif hasattr(frame, "collect") and not hasattr(frame, "to_dict"):
        raise ArgumentError(refusal("frame", "a table in memory", type(frame).__name__, "call .collect()"))
    else:  # pyarrow has column_names, all others have columns
        names = list(getattr(frame, "column_names", getattr(frame, "columns", ())))
    if not names or not all(isinstance(name, str) for name in names):
        remedy = "use from_arrays for arrays"
        expected = "a pandas or polars DataFrame, or a dict of columns"
        raise ArgumentError(refusal("frame", expected, type(frame).__name__, remedy))
    columns = {name: _column(name, frame[name]) for name in names}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ArgumentError(refusal("frame", "columns of one length", lengths, "give every row a value"))
    return pd.DataFrame(columns)


def _column(name: str, values: Any) -> Any:
    array = values if isinstance(values, pd.Series) else np.array(values)
    if array.ndim != 1:
        expected = "one value per row"
        raise ArgumentError(refusal(f"column {name!r}", expected, f"shape {array.shape}", "give it a column"))
    if getattr(getattr(values, "dtype", None), "time_zone", None) or getattr(
        getattr(values, "type", None), "tz", None
    ):  # of polars or pyarrow: NumPy has them in UTC and forgets it
        array = pd.Series(array).dt.tz_localize("UTC")
    return array.array if isinstance(array, pd.Series) else array


def _level_name(frame: pd.DataFrame, i: int) -> str:
    """Its own name, or one that no column has."""
    own = frame.index.names[i]
    return f"index level {i}" if own is None else own


def _tells_times(level: pd.Index) -> bool:
    return isinstance(level, pd.DatetimeIndex | pd.PeriodIndex | pd.TimedeltaIndex)
