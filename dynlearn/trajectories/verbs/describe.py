"""What is in a dataset: a table of its channels and a summary of its runs."""

from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from dynlearn.trajectories.sampling import sampling
from dynlearn.trajectories.schema import KINDS, hold, names, run_lengths, time_unit, times_2d, units

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class Description:
    """A table for people: `print` it, or take the numbers from `channels` and `summary`."""

    channels: pd.DataFrame
    """A row per channel: kind, unit, samples (measured), missing (%), mean, std, min, max."""
    summary: dict[str, Any]
    """runs, samples, shortest and longest run (samples), time unit, interval, smallest, largest, hold."""

    def __rich__(self) -> "Table":
        from rich.markup import escape

        from dynlearn.wide_table import WideTable

        table = WideTable(title=_headline(self.summary), title_justify="left", caption_justify="left")
        table.add_column("channel")
        for column in self.channels.columns:
            table.add_column(str(column), justify="left" if column in ("kind", "unit") else "right")
        for name, row in self.channels.iterrows():
            table.add_row(escape(str(name)), *(escape(_cell(value)) for value in row))
        return table

    def __str__(self) -> str:
        from rich.console import Console

        text = StringIO()
        Console(file=text, width=110).print(self)
        return text.getvalue().rstrip("\n")

    def _repr_html_(self) -> str:
        return f"<p>{_headline(self.summary)}</p>{self.channels.to_html()}"


def describe(ds: xr.Dataset) -> Description:
    """Per channel: unit, measured samples, share missing, mean, standard deviation, range.

    Neither padding nor the control after the end of a run counts as missing.

    >>> from dynlearn.trajectories import from_arrays
    >>> ds = from_arrays([np.array([1.0, np.nan, 3.0]), np.array([5.0])], dt=0.1, units={"t": "s", "y0": "m"})
    >>> table = describe(ds)
    >>> table.channels[["unit", "samples", "missing %", "mean"]]
             unit  samples  missing %  mean
    channel
    y0          m        3       25.0   3.0
    >>> table.summary["runs"], table.summary["interval"]
    (2, 0.1)
    """
    valid = ~np.isnan(times_2d(ds))
    rows, index = [], []
    for kind in (kind for kind in KINDS if kind in ds):
        lead = ("trajectory",) if kind == "static" else ("trajectory", "time")
        values = ds[kind].transpose(..., *lead, f"{kind}_name").values
        for i, (name, unit) in enumerate(zip(names(ds, kind), units(ds, kind), strict=True)):
            column = values[..., i] if kind == "static" else values[..., valid, i]
            if kind == "control":
                column = column[~np.isnan(column)]  # only the last of a run may be NaN
            rows.append({"kind": kind, "unit": unit, **_statistics(column)})
            index.append(name)
    return Description(pd.DataFrame(rows, index=pd.Index(index, name="channel")), _summary(ds))


def _statistics(values: np.ndarray) -> dict[str, Any]:
    measured = values[~np.isnan(values)].astype(np.float64)
    missing = _percent(values.size - measured.size, values.size)
    numbers: dict[str, Any] = {"samples": measured.size, "missing %": missing}
    for name in ("mean", "std", "min", "max"):
        numbers[name] = float(getattr(measured, name)()) if measured.size else np.nan
    return numbers


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0


def _summary(ds: xr.Dataset) -> dict[str, Any]:
    lengths, found = run_lengths(ds), sampling(ds)
    return {
        "runs": len(lengths),
        "samples": int(lengths.sum()),
        "shortest": int(lengths.min()),
        "longest": int(lengths.max()),
        "time unit": time_unit(ds),
        "interval": found.interval,
        "smallest": found.smallest,
        "largest": found.largest,
        "hold": hold(ds) if "control" in ds else None,
    }


def _headline(summary: dict[str, Any]) -> str:
    unit = f" {summary['time unit']}" if summary["time unit"] else ""
    lengths = f"{summary['shortest']} to {summary['longest']}"
    if summary["shortest"] == summary["longest"]:
        lengths = f"{summary['longest']}"
    if summary["interval"] is not None:
        rate = f"every {summary['interval']:g}{unit}"
    elif summary["smallest"] is not None:
        rate = f"uneven, every {summary['smallest']:g} to {summary['largest']:g}{unit}"
    else:
        rate = "no run has two samples"
    runs = "1 run" if summary["runs"] == 1 else f"{summary['runs']} runs"
    return f"{runs} of {lengths} samples, {rate}" + (f"; hold: {summary['hold']}" if summary["hold"] else "")


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
