"""phase: one channel against another."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynlearn.errors import ArgumentError
from dynlearn.plot import _data, _labels, _style


@_style.styled
def phase(ds: xr.Dataset | Mapping[str, xr.Dataset], x: str, y: str, runs: Any = None) -> Figure:
    """A phase portrait: `y` over `x` along each run; a ring marks where a run starts.

    Args:
        ds: trajectories, or several datasets by name, such as {"recorded": test, "model": forecast}.
            Of a dataset with samples the mean path is shown.
        x, y: names of outputs, controls or states.
        runs: a run id or several, in every dataset; default all.

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
    figure, axes = _style.canvas(width=5.0, height=4.4)
    ax, handles = axes[0, 0], []
    for i, (name, data) in enumerate(named.items()):
        _data.checked(data, f"ds[{name!r}]" if name else "ds")
        handles.append(_paths(ax, data, x, y, runs, _style.color_of(i), i))
    first = next(iter(named.values()))
    ax.set_xlabel(_data.find(first, x).label)
    _style.above(ax, _data.find(first, y).label)
    ax.grid(True, axis="both")
    ax.margins(0.05)
    if len(named) > 1:
        _labels.legend(figure, handles, [str(name) for name in named])
    return figure


def _paths(ax: Axes, ds: xr.Dataset, x: str, y: str, runs: Any, color: str, order: int) -> Any:
    shown = _data.chosen_runs(ds, runs)
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
    channel = _data.find(ds, name)
    if channel.kind == "output" and "sample" in ds["output"].dims and "output_mean" in ds:
        return _data.values(ds, run, "output_mean", channel)
    found = _data.values(ds, run, channel.kind, channel)
    return found.mean(0) if found.ndim == 2 else found
