"""phase: one channel against another."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynlearn.errors import ArgumentError
from dynlearn.plot.shared import data, labels, style


@style.styled
def phase(ds: xr.Dataset | Mapping[str, xr.Dataset], x: str, y: str, runs: Any = None) -> Figure:
    """A phase portrait: `y` over `x` along each run; a ring marks where a run starts.

    Args:
        ds: trajectories, or several datasets by name, such as {"recorded": test, "model": forecast}.
            Of a dataset with samples the mean path is shown.
        x, y: names of outputs, controls or states.
        runs: a run id or several, in every dataset; default all.

    Returns:
        A matplotlib figure with one panel.

    Raises:
        ArgumentError: no dataset; an unknown name or run.

    >>> import numpy as np, dynlearn as dl
    >>> t = 0.1 * np.arange(60)
    >>> circle = np.stack([np.cos(t), -np.sin(t)], axis=1)
    >>> ds = dl.from_arrays(circle, times=t, output_names=["q", "v"], units={"v": "m/s"})
    >>> phase(ds, "q", "v").axes[0].get_ylabel()
    'v (m/s)'
    """
    named = ds if isinstance(ds, Mapping) and not isinstance(ds, xr.Dataset) else {"": ds}
    if not named:
        raise ArgumentError(
            "ds: expected a dataset or a mapping from names to datasets, got an empty mapping."
        )
    figure, axes = style.canvas(width=5.0, height=4.4)
    ax, handles = axes[0, 0], []
    for i, (name, ds) in enumerate(named.items()):
        data.checked(ds, f"ds[{name!r}]" if name else "ds")
        handles.append(_paths(ax, ds, x, y, runs, style.color_of(i), i))
    first = next(iter(named.values()))
    ax.set_xlabel(data.find(first, x).label)
    style.above(ax, data.find(first, y).label)
    ax.grid(True, axis="both")
    ax.margins(0.05)
    if len(named) > 1:
        labels.legend(figure, handles, [str(name) for name in named])
    return figure


def _paths(ax: Axes, ds: xr.Dataset, x: str, y: str, runs: Any, color: str, order: int) -> Any:
    shown = data.chosen_runs(ds, runs)
    opacity = max(0.3, 0.95 - 0.05 * (len(shown) - 1))
    starts = []
    for run in shown:
        across, up = _mean(ds, run, x), _mean(ds, run, y)
        (line,) = ax.plot(across, up, color=color, lw=1.1, alpha=opacity, zorder=2 + 0.1 * order)
        there = np.flatnonzero(np.isfinite(across) & np.isfinite(up))
        starts += [(across[there[0]], up[there[0]])] if there.size else []
    if starts:
        ax.plot(*zip(*starts, strict=True), "o", ms=4, mfc="white", mec=color, mew=1.1, gid="start", zorder=3)
    return line


def _mean(ds: xr.Dataset, run: Any, name: str) -> np.ndarray:
    """The path of one channel; with samples, the mean path in closed form where the dataset has it."""
    channel = data.find(ds, name)
    if channel.kind == "output" and "sample" in ds["output"].dims and "output_mean" in ds:
        return data.values(ds, run, "output_mean", channel)
    found = data.values(ds, run, channel.kind, channel)
    return found.mean(0) if found.ndim == 2 else found
