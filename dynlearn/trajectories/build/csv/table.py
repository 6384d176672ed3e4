"""From a CSV file to a dataset: what is in it is found where there is one reading, and asked otherwise."""

import csv
import os
from collections.abc import Sequence
from inspect import signature
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from dynlearn.disk.there import check_there
from dynlearn.errors import ArgumentError, FileFormatError, SchemaError, check_known
from dynlearn.trajectories.times.compact_dates import check_not_compact
from dynlearn.trajectories.build.csv.text import check_widths, decimal_of, header_of, lines_of, rows_of, separator_of
from dynlearn.trajectories.build.frame import check_name, from_frame, names_of
from dynlearn.trajectories.times.iso_text import ISO, odd
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.times.spellings import as_instants, in_utc
from dynlearn.trajectories.build.transitions import TRANSITION

OPTIONS = (*tuple(signature(from_frame).parameters)[1:], "sep", "decimal")
"""What can be said about a CSV file."""
INTEGER = r"0|-?[1-9]\d{0,17}"
"""As an integer of 64 bits is written."""
NUMERIC = ("outputs", "controls", "states", "static")
OLD_PANDAS = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
EXACT: dict[str, Any] = {"float_precision": "round_trip"} if OLD_PANDAS else {}
"""Numbers are read to the last digit, which is pandas' default from 3.1 on."""


def from_csv(
    path: str | os.PathLike, *, sep: str | None = None, decimal: str | None = None, **columns: Any
) -> xr.Dataset:
    r"""A dataset from a CSV file with a line of column names and one row per sample.

    Dates are ISO 8601. Lines that start with "#" are left out. A line of units below the header is
    taken for what it is. Text is UTF-8, or UTF-16 or UTF-32 with its mark.

    Args:
        path: the file, as text or a `pathlib.Path`.
        sep: what separates values; None: the one of comma, semicolon, tab and bar that splits header
            and rows alike. " " stands for any number of blanks.
        decimal: "." or ","; None: the comma where all numbers with a fraction are written with it.
        columns: which column is what, as in `from_frame`: `time` or `dt`, `outputs`, `controls`,
            `trajectory`, `units`, ...

    Returns:
        A dataset under the trajectory schema, as `from_frame` makes it of the same table.

    Raises:
        FileFormatError: whatever the file holds that cannot be read in one way only: rows and header that
            do not agree, a name that comes twice, text among numbers, and so on, with the line.
        ArgumentError: columns that the file does not have, and unknown options.
        MissingFileError: there is no such file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     text = Path(folder, "log.csv")
    ...     _ = text.write_text("t;y\ns;m\n0;1,5\n0,1;2,5\n")
    ...     ds = from_csv(text, time="t", outputs=["y"])
    >>> ds["output"].values.ravel(), ds.t.values.ravel(), ds.t.attrs["units"]
    (array([1.5, 2.5]), array([0. , 0.1]), 's')
    """
    path = check_there(path, "a .csv file")
    check_known("option for a .csv file", columns, OPTIONS)
    roles, run = _roles(columns), columns.get("trajectory")
    try:
        frame, numbers, units = _table(path, sep, decimal, roles, run)
    except (csv.Error, ValueError, OverflowError) as error:
        if isinstance(error, ArgumentError | FileFormatError):
            raise
        remedy = "it may be truncated or of another kind: copy or export it again"
        came = f"one that cannot be read ({(str(error).splitlines() or [''])[0]})"
        raise FileFormatError(
            refusal(str(path), "a table of comma-separated values", came, remedy)
        ) from error
    for column in roles:
        if column in frame and column != columns.get("time"):
            _check_numbers(path, frame[column], numbers)
    time = columns.get("time")
    frame = _with_instants(path, frame, time, numbers)
    columns = columns | {"units": _agreed(path, frame, time, units, dict(columns.get("units") or {}))}
    try:
        return from_frame(frame, **columns)
    except SchemaError as error:
        raise FileFormatError(f"{path}: {error}") from error


def csv_columns(path: str | os.PathLike, sep: str | None = None) -> list[str]:
    """The names of the columns of a CSV file."""
    lines = lines_of(Path(path))
    return header_of(lines, separator_of(lines, sep))


def _roles(columns: dict[str, Any]) -> list[str]:
    """The columns that must hold numbers, or instants."""
    given = {role: value for role, value in columns.items() if value is not None}
    check_name("trajectory", given.get("trajectory", ""))
    single = [check_name(role, given[role]) for role in ("time", *TRANSITION) if role in given]
    return [*single, *(name for role in NUMERIC for name in names_of(role, given.get(role, ())))]


def _table(
    path: Path, sep: str | None, decimal: str | None, roles: Sequence[str], run: str | None
) -> tuple[pd.DataFrame, list[int], dict[str, str]]:
    """The table, the number of the line of each row, and the units below the header."""
    lines = lines_of(path)
    sep = separator_of(lines, sep)
    names = header_of(lines, sep)
    numbers = check_widths(lines, sep, len(names))
    units = _units(names, lines.texts[1:3], sep, roles)
    skip = 2 if units else 1
    decimal = decimal_of(lines, sep, decimal)
    if len(lines.texts) == skip:
        raise FileFormatError(refusal(str(path), "rows below the header", "none", "check the export"))
    frame = pd.read_csv(
        StringIO("\n".join(lines.texts[skip:])),
        sep=r"\s+" if sep == " " else sep,
        decimal=decimal,
        header=None,
        names=[name or f"column {i}" for i, name in enumerate(names, 1)],
        index_col=False,
        skipinitialspace=True,
        dtype=None if run is None else {run: str},
        **EXACT,
    )
    if run in frame:
        frame[run] = _ids(frame[run].str.strip())
    return frame, numbers[skip - 1 :], units


def _ids(texts: pd.Series) -> pd.Series:
    """Runs by the text they have: integers only where all are written as integers are, for 01 is not 1."""
    known = texts.dropna()
    if len(known) == len(texts) and known.str.fullmatch(INTEGER).all():
        return texts.astype(np.int64)
    return texts


def _units(names: Sequence[str], texts: Sequence[str], sep: str, roles: Sequence[str]) -> dict[str, str]:
    """Units, where the first row has text in all columns that hold numbers (or dates) in the second."""
    rows = list(rows_of(texts, sep)) if len(texts) == 2 else []
    if len(rows) != 2:
        return {}
    chosen = [names.index(role) for role in roles if role in names]
    first, second = ([row[i].strip() for i in chosen] for row in rows)
    if any(_is_value(text) for text in first) or not any(_is_value(text) for text in second):
        return {}
    stripped = [text.strip("[]() ") for text in first]
    return {names[i]: unit for i, unit in zip(chosen, stripped, strict=True) if unit and unit != "-"}


def _is_value(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return text == "" or ISO.fullmatch(text) is not None
    return True


def _agreed(
    path: Path, frame: pd.DataFrame, time: str | None, found: dict[str, str], given: dict[str, str]
) -> dict[str, str]:
    """Units from the file and from the user, who may only add to them. Dates have none."""
    if time in found:
        unit = found.pop(time)
        found |= {"t": unit} if pd.api.types.is_numeric_dtype(frame[time].dtype) else {}
    for name in found.keys() & given.keys():
        if found[name] != given[name]:
            remedy = "leave it out of units, or correct the line of units"
            where = f"{path}, unit of {name!r}"
            raise FileFormatError(refusal(where, repr(given[name]), f"{found[name]!r} in the file", remedy))
    return found | given


def _check_numbers(path: Path, column: pd.Series, numbers: Sequence[int]) -> None:
    if pd.api.types.is_numeric_dtype(column.dtype):
        return
    bad = np.flatnonzero(pd.to_numeric(column, errors="coerce").isna() & column.notna())
    if bad.size:
        where = f"{path}, line {numbers[bad[0]]}, column {column.name!r}"
        remedy = "correct it, leave it empty where nothing was measured, or name the decimal point (decimal=)"
        raise FileFormatError(refusal(where, "a number", f"{column.iloc[bad[0]]!r:.39}", remedy))


def _with_instants(
    path: Path, frame: pd.DataFrame, column: str | None, numbers: Sequence[int]
) -> pd.DataFrame:
    """The table with the column of instants as numbers, or as dates, in UTC where the file says so."""
    if column is None or column not in frame:
        return frame
    try:
        instants = as_instants(frame[column])
        if instants.dtype.kind in "iuf":
            check_not_compact([instants])
            return frame
        dates = pd.DatetimeIndex(instants)
        return frame.assign(**{column: dates.tz_localize("UTC") if in_utc(frame[column]) else dates})
    except ArgumentError as error:
        known = frame[column].notna().to_numpy()
        values = [str(value) for value in frame[column][known]]
        if all(ISO.fullmatch(value) for value in values) or pd.api.types.is_numeric_dtype(
            frame[column].dtype
        ):
            raise FileFormatError(f"{path}, column {column!r}: {error}") from error
        places = [f"line {number}" for number in np.asarray(numbers)[known]]
        raise FileFormatError(refusal(f"{path}, column {column!r}", *odd(values, places))) from error
