"""A table as HTML: numbers aligned and rounded alike, the best of a column marked."""

import numbers
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from dynlearn.errors import ArgumentError, check_known

Best = Mapping[str, str | float]


def table(data: Any, best: Best | None = None, digits: int = 4) -> str:
    """The `<table>` of a frame or of rows (mappings from column to value)."""
    frame = as_frame(data)
    winners = {column: _winners(frame[column], rule, column) for column, rule in _rules(best, frame).items()}
    named = not isinstance(frame.index, pd.RangeIndex)
    numeric = [column for column in frame.columns if _is_numeric(frame[column])]
    head = [_head(str(frame.index.name or ""), False)] * named
    head += [_head(str(column), column in numeric) for column in frame.columns]
    rows = []
    for i, index in enumerate(frame.index):
        cells = [f'<th scope="row">{escape(str(index))}</th>'] * named
        cells += [
            _cell(frame[column].iloc[i], column in numeric, i in winners.get(str(column), ()), digits)
            for column in frame.columns
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><thead><tr>{''.join(head)}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def as_frame(data: Any) -> pd.DataFrame:
    """A frame with columns that are told apart by their names."""
    if isinstance(data, pd.DataFrame):
        frame = data
    elif isinstance(data, Iterable) and not isinstance(data, str | Mapping):
        rows = list(data)
        if not rows or not all(isinstance(row, Mapping) for row in rows):
            raise ArgumentError(
                'table: expected a pandas.DataFrame or rows such as [{"model": "ARX", "crps": 0.1}], got '
                + ("no rows." if not rows else f"rows of type {type(rows[0]).__name__}.")
            )
        frame = pd.DataFrame(rows)
    else:
        raise ArgumentError(
            f"table: expected a pandas.DataFrame or a list of rows (mappings), got {type(data).__name__}."
        )
    if not frame.columns.is_unique:
        raise ArgumentError(f"table: expected columns with different names, got {list(frame.columns)}.")
    return frame


def number(value: Any, digits: int = 4) -> str:
    """A number for people: so many significant digits, a dash where there is none.

    >>> number(0.123456), number(12345678.0), number(3), number(float("nan")), number(-1e-9)
    ('0.1235', '1.235e+07', '3', '–', '−1e−09')
    """
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, numbers.Integral):
        return str(value).replace("-", "−")
    if not isinstance(value, numbers.Real):
        return "–" if value is None or value is pd.NA or value is pd.NaT else str(value)
    if np.isnan(float(value)):
        return "–"
    if np.isinf(float(value)):
        return "∞" if float(value) > 0 else "−∞"
    return f"{float(value):.{digits}g}".replace("-", "−")


def _rules(best: Best | None, frame: pd.DataFrame) -> dict[str, str | float]:
    rules = dict(best or {})
    check_known("column of best", rules, [str(column) for column in frame.columns])
    for column, rule in rules.items():
        if not (rule in ("min", "max") or (isinstance(rule, numbers.Real) and not isinstance(rule, bool))):
            raise ArgumentError(
                f"best[{column!r}]: expected 'min', 'max' or a number to be near to, got {rule!r}."
            )
    return rules


def _winners(column: pd.Series, rule: str | float, name: str) -> set[int]:
    """Rows that are best; several where they tie."""
    if not _is_numeric(column):
        raise ArgumentError(f"best[{name!r}]: expected a column of numbers, got {column.dtype}.")
    values = pd.to_numeric(column).to_numpy(float, na_value=np.nan)
    distance = {"min": values, "max": -values}[rule] if isinstance(rule, str) else np.abs(values - rule)
    known = np.isfinite(distance)
    return set(np.flatnonzero(known & (distance == distance[known].min()))) if known.any() else set()


def _is_numeric(column: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(column.dtype):
        return False
    if pd.api.types.is_numeric_dtype(column.dtype):
        return True
    values = [v for v in column if v is not None]
    return bool(values) and all(isinstance(v, numbers.Real) and not isinstance(v, bool) for v in values)


def _head(text: str, numeric: bool) -> str:
    return f'<th scope="col"{NUMERIC * numeric}>{escape(text)}</th>'


def _cell(value: Any, numeric: bool, best: bool, digits: int) -> str:
    text = escape(number(value, digits))
    classes = " ".join(["num"] * numeric + ["best"] * best)
    return f'<td class="{classes}">{text}</td>' if classes else f"<td>{text}</td>"


NUMERIC = ' class="num"'
