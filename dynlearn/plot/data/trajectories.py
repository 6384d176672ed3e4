"""trajectories: what was measured and what was applied, over time."""

from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynlearn.plot.shared import data, draw, labels, style
from dynlearn.plot.shared.data import Channel

FEW = 6
"""Runs that get a colour of their own; more are drawn alike, as a cloud."""


@style.styled
def trajectories(ds: xr.Dataset, runs: Any = None, outputs: Any = None) -> Figure:
    """Outputs and controls of the runs, one panel per channel.

    A line breaks where an output was not measured, and a tick on the floor of the panel marks the
    instant; it also breaks where samples were left out. Held controls are steps. With a `sample`
    dimension (a forecast) the median and the central 50 % and 90 % bands are shown.

    Args:
        ds: trajectories under the schema.
        runs: a run id or several; default all. Up to six are told apart by colour.
        outputs: names of the outputs to show; default all.

    Returns:
        A matplotlib figure with one panel per output and one per control.

    Raises:
        ArgumentError: an unknown run or output.

    >>> import numpy as np, dynlearn as dl
    >>> units = {"angle": "rad", "t": "s"}
    >>> ds = dl.from_arrays(np.sin(np.arange(30.0)), dt=0.1, output_names=["angle"], units=units)
    >>> figure = trajectories(ds)
    >>> figure.axes[0].get_ylabel(), figure.axes[-1].get_xlabel()
    ('angle (rad)', 'time (s)')
    """
    data.checked(ds, "ds")
    shown = data.chosen_runs(ds, runs)
    panels = [*data.channels(ds, "output", outputs), *data.channels(ds, "control")]
    ratios = [1.0 if c.kind == "output" else 0.6 for c in panels]
    figure, axes = style.canvas(len(panels), height=0.55 + 1.35 * sum(ratios), ratios=ratios, sharex=True)
    for ax, channel in zip(axes[:, 0], panels, strict=True):
        lines = _panel(ax, ds, shown, channel)
        style.above(ax, channel.label)
    axes[-1, 0].set_xlabel(data.time_label(ds))
    if 1 < len(shown) <= FEW:
        labels.legend(figure, lines, [f"run {run}" for run in shown])
    elif len(shown) > FEW:
        style.note(axes[0, 0], f"{len(shown)} runs")
    return figure


def _panel(ax: Axes, ds: xr.Dataset, shown: list, channel: Channel) -> list:
    few = len(shown) <= FEW
    lines = []
    for i, run in enumerate(shown):
        color = style.color_of(i) if few else style.PALETTE[0]
        look = (
            {"lw": 1.2, "alpha": 0.95}
            if few
            else {"lw": 0.8, "alpha": max(0.15, 0.9 - 0.1 * len(shown) ** 0.5)}
        )
        if "sample" in ds[channel.kind].dims:
            t, draws = data.instants(ds, run), data.values(ds, run, channel.kind, channel)
            lines.append(draw.fan(ax, t, draws, color))
        else:
            lines.append(draw.series(ax, ds, run, channel, color=color, **look))
    return lines
