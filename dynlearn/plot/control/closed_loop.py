"""closed_loop: what a controller did, and what it earned."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynlearn.plot.control._bounds import bounds_of, targets_of
from dynlearn.plot.shared import data, draw, labels, style
from dynlearn.plot.shared.data import Channel
from dynlearn.plot.shared.labels import number

FEW = 3


@style.styled
def closed_loop(
    runs: xr.Dataset,
    bounds: Any = None,
    targets: Mapping[str, float] | None = None,
    *,
    episodes: Any = None,
    outputs: Any = None,
) -> Figure:
    """Outputs, controls and the reward summed so far, over the episodes of a closed loop.

    Args:
        runs: what `dl.control.run` or `dl.from_gymnasium` returns.
        bounds: `(low, high)` of the controls, numbers or one per control; dotted lines.
        targets: set points by output name; dashed lines.
        episodes: a run id or several; default all. Up to three are told apart by colour.
        outputs: names of the outputs to show; default all.

    Returns:
        A matplotlib figure with one panel per output, one per control and, where the runs have one, one for the reward.

    Raises:
        ArgumentError: an unknown episode or output; bounds or targets that do not fit the runs.

    >>> import numpy as np, dynlearn as dl
    >>> runs = dl.from_arrays(np.zeros(4), np.array([1.0, -1.0, 1.0, np.nan]), dt=0.1)
    >>> runs["reward"] = (("trajectory", "time"), [[-1.0, -2.0, -1.0, np.nan]])
    >>> figure = closed_loop(runs, bounds=(-1, 1))
    >>> figure.axes[-1].lines[0].get_ydata().tolist()
    [0.0, -1.0, -3.0, -4.0]
    """
    data.checked(runs, "runs", "control", made_by="dl.control.run")
    shown = data.chosen_runs(runs, episodes)
    panels = [*data.channels(runs, "output", outputs), *data.channels(runs, "control")]
    limits = bounds_of(bounds, tuple(c.name for c in panels if c.kind == "control"))
    points = targets_of(targets, tuple(runs.dyn.outputs))
    rewarded = "reward" in runs
    ratios = [1.0 if c.kind == "output" else 0.8 for c in panels] + [1.0] * rewarded
    figure, axes = style.canvas(len(ratios), height=0.55 + 1.25 * sum(ratios), ratios=ratios, sharex=True)
    for ax, channel in zip(axes[:, 0], panels, strict=False):
        lines = _panel(ax, runs, shown, channel)
        draw.bound_lines(ax, *limits.get(channel.name, (None, None)))
        if channel.kind == "output" and channel.name in points:
            draw.target_line(ax, points[channel.name])
        style.above(ax, channel.label)
    if rewarded:
        _rewards(axes[-1, 0], runs, shown)
    axes[-1, 0].set_xlabel(data.time_label(runs))
    if 1 < len(shown) <= FEW:
        labels.legend(figure, lines, [f"run {run}" for run in shown])
    return figure


def _look(shown: list, i: int) -> dict[str, Any]:
    few = len(shown) <= FEW
    return {"color": style.color_of(i if few else 0), **draw.one_of(len(shown), few)}


def _panel(ax: Axes, runs: xr.Dataset, shown: list, channel: Channel) -> list:
    return [draw.series(ax, runs, run, channel, **_look(shown, i)) for i, run in enumerate(shown)]


def _rewards(ax: Axes, runs: xr.Dataset, shown: list) -> None:
    """The sum of the rewards up to each instant: 0 at the first, the return at the last."""
    totals = []
    for i, run in enumerate(shown):
        t, reward = data.instants(runs, run), data.values(runs, run, "reward")
        earned = np.concatenate([[0.0], np.cumsum(reward[:-1])])
        ax.plot(t, earned, **_look(shown, i))
        totals.append(earned[-1])
    unit = str(runs["reward"].attrs.get("units", ""))
    style.above(ax, labels.with_unit("reward, summed", unit))
    returned = f"return {number(totals[0])}"
    if len(totals) > 1:
        mean, low, high = (number(float(v)) for v in (np.mean(totals), min(totals), max(totals)))
        returned = f"{len(totals)} episodes: mean return {mean}, {low} to {high}"
    style.note(ax, returned)
