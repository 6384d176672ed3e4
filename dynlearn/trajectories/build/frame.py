"""From a long pandas table, one row per sample, to a dataset."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from dynlearn.errors import ArgumentError, unknown
from dynlearn.trajectories.build.assemble import Runs, assemble
from dynlearn.trajectories.build.frame_layout import from_layout
from dynlearn.trajectories.times.instants import from_dates, grid
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.times.spellings import as_instants, in_utc
from dynlearn.trajectories.build.tables import as_table, with_index
from dynlearn.trajectories.build.transitions import cut_at_ends, typed


def from_frame(
    frame: Any,
    time: str | None = None,
    outputs: Sequence[str] | None = None,
    controls: Sequence[str] = (),
    trajectory: str | None = None,
    static: Sequence[str] = (),
    units: Mapping[str, str] | None = None,
    *,
    states: Sequence[str] = (),
    reward: str | None = None,
    terminated: str | None = None,
    truncated: str | None = None,
    dt: float | None = None,
    hold: str = "zero",
) -> xr.Dataset:
    """A dataset from columns of a table with one row per sample.

    The rows of different runs may be mixed; within a run they must be in the order of time. Missing
    values of outputs are samples not measured. A frame made by `to_frame` carries its layout with it:
    `from_frame(frame)` alone gives the same dataset back.

    Args:
        frame: a pandas DataFrame, a dict of columns, or a table whose columns NumPy can read by their
            names (polars, pyarrow).
        time: the column of instants: numbers, or times in any form `from_arrays` takes; exactly one of `time`
            and `dt` is given. An index of dates, periods or time differences is the time where neither is;
            a level of the index can be named like a column, and of an index of two levels (run, time) the
            other one is the run.
        outputs, controls, states: columns, in the order in which the dataset has them.
        trajectory: the column of run ids; None: the table is a single run, with id 0.
        static: columns that are constant in every run.
        units: from a column, or "t", to its unit.
        reward, terminated, truncated: columns; runs are cut at the ends of episodes as in `from_arrays`.
        dt: the interval between the rows of a run, in `units["t"]`.
        hold: "zero" or "linear", as in `from_arrays`.

    Returns:
        A dataset under the trajectory schema, its runs in the order in which their ids first come.

    Raises:
        ArgumentError: a column that is not there, is not numeric, or does not fit its role.
        SchemaError: values that the schema does not allow, such as instants of a run that do not increase.

    >>> table = pd.DataFrame({"run": ["a", "a", "b"], "s": [0.0, 0.1, 0.0], "y": [1.0, 2.0, 3.0]})
    >>> ds = from_frame(table, time="s", outputs=["y"], trajectory="run")
    >>> ds.trajectory.values.tolist(), ds.dyn.lengths.tolist()
    (['a', 'b'], [2, 1])
    """
    frame = as_table(frame)
    if outputs is None and time is None and "dynlearn" in frame.attrs:
        return from_layout(frame)
    frame, time, trajectory = with_index(frame, time, trajectory, asked=dt is None)
    if outputs is None or (time is None) == (dt is None):
        came = f"outputs={outputs!r}, time={time!r}, dt={dt!r}"
        remedy = 'pass e.g. time="t", outputs=["y"]'
        raise ArgumentError(refusal("from_frame", "outputs, and one of time and dt", came, remedy))
    given = {"outputs": outputs, "controls": controls, "states": states, "static": static}
    every: dict[str, Sequence] = {
        role.removesuffix("s"): _there(frame, role, names_of(role, of)) for role, of in given.items()
    }
    columns = {kind: chosen for kind, chosen in every.items() if chosen}
    ids, rows = _grouped(frame, trajectory)
    values = {}
    for kind, chosen in columns.items():
        table = np.stack([_numbers(frame, column) for column in chosen], axis=1)
        values[kind] = [table[index] for index in rows]
    if "static" in values:
        values["static"] = [_constant(run, static, i) for run, i in zip(values["static"], ids, strict=True)]
    units = dict(units or {})
    unit = units.get("t", "")
    if time is None:
        times, attrs = [grid(dt, len(index)) for index in rows], {"units": unit} if unit else {}  # type: ignore[arg-type]
    else:
        _there(frame, "time", [check_name("time", time)])
        instants = as_instants(frame[time])
        times, attrs = from_dates([instants[index] for index in rows], unit, utc=in_utc(frame[time]))
    samples = {}
    for name, column in (("reward", reward), ("terminated", terminated), ("truncated", truncated)):
        if column is not None:
            _there(frame, name, [check_name(name, column)])
            found = typed(name, _numbers(frame, column))
            samples[name] = [found[index] for index in rows]
            if column in units:
                units[name] = units.pop(column)
    made = Runs(ids, times, values, columns, samples, units, attrs, hold)
    return assemble(cut_at_ends(made, dt))


def names_of(role: str, chosen: Any) -> list:
    """Several columns, in a list, a tuple, an array or an index.

    >>> names_of("outputs", np.array(["y", "z"]))
    ['y', 'z']
    """
    if isinstance(chosen, str):
        raise ArgumentError(refusal(role, "a list of columns", repr(chosen), f"pass [{chosen!r}]"))
    if (
        not isinstance(chosen, Sequence | np.ndarray | pd.Index | pd.Series)
        or getattr(chosen, "ndim", 1) != 1
    ):
        raise ArgumentError(refusal(role, "a list of columns", f"{chosen!r:.80}", 'pass e.g. ["y"]'))
    names = chosen.tolist() if isinstance(chosen, np.ndarray | pd.Index | pd.Series) else list(chosen)
    return [check_name(role, name) for name in names]


def check_name(role: str, name: Any) -> Any:
    """One column: its name, as text or as another label that pandas takes."""
    if not isinstance(name, Hashable):
        raise ArgumentError(refusal(role, "the name of a column", f"{name!r:.80}", 'pass e.g. "t"'))
    return name


def _there(frame: pd.DataFrame, role: str, names: list) -> list:
    for column in names:
        if column not in frame.columns:
            raise ArgumentError(f"{role}: {unknown('column', column, frame.columns)}")
    return names


def _grouped(frame: pd.DataFrame, trajectory: str | None) -> tuple[list, list[np.ndarray]]:
    """Run ids in the order of their first row, and the rows of each run in their order."""
    if trajectory is None:
        return [0], [np.arange(len(frame))]
    _there(frame, "trajectory", [check_name("trajectory", trajectory)])
    codes, ids = pd.factorize(frame[trajectory])
    if (codes < 0).any():
        row = int(np.argmin(codes))
        remedy = "fill in the ids or drop these rows"
        raise ArgumentError(refusal(trajectory, "a run id in every row", f"none in row {row}", remedy))
    rows = np.argsort(codes, kind="stable")
    return list(ids), np.split(rows, np.cumsum(np.bincount(codes))[:-1])


def _numbers(frame: pd.DataFrame, column: str) -> np.ndarray:
    series = frame[column]
    if not pd.api.types.is_numeric_dtype(series.dtype) or pd.api.types.is_complex_dtype(series.dtype):
        remedy = f"convert it, e.g. frame[{column!r}] = pandas.to_numeric(frame[{column!r}])"
        raise ArgumentError(refusal(f"column {column!r}", "numbers", f"dtype {series.dtype}", remedy))
    dtype = np.float32 if series.dtype == np.float32 else np.float64
    return series.to_numpy(dtype=dtype, na_value=np.nan)


def _constant(run: np.ndarray, columns: Sequence[str], name: object) -> np.ndarray:
    same = (run == run[0]) | (np.isnan(run) & np.isnan(run[0]))
    if not same.all():
        column = columns[int(np.argmin(same.all(axis=0)))]
        remedy = "list it under outputs or controls if it changes in time"
        came = f"several values in run {name!r}"
        raise ArgumentError(refusal(f"static column {column!r}", "one value per run", came, remedy))
    return run[0]
