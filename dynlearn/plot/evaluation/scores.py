"""scores: how forecasts get worse with their lead, model by model."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynlearn.plot.evaluation import _scores
from dynlearn.plot.shared import labels, style

WIDE = 100
"""Ratio of the largest score to the smallest from which the axis is logarithmic."""


@style.styled
def scores(scores: xr.Dataset, score: str = "crps", outputs: Any = None) -> Figure:
    """A score over the lead, one line per model, one panel per output; baselines in grey and dashed.

    Coverage is shown with its nominal level. Other scores start at 0, on a logarithmic axis where
    they differ by more than a factor of 100.

    Args:
        scores: what `dl.evaluate` or `dl.compare` returns.
        score: one of `dl.evaluation.DEFINITIONS`.
        outputs: names of the outputs to show; default all.

    Returns:
        A matplotlib figure with one panel per output.

    Raises:
        ArgumentError: an unknown score or output.

    >>> values = [[[0.1], [0.2]], [[0.3], [0.5]]]
    >>> coords = {"model": ["mine", "persistence"], "lead": [1, 2], "output_name": ["y"]}
    >>> found = xr.Dataset({"crps": (("model", "lead", "output_name"), values)}, coords)
    >>> [line.get_label() for line in scores(found).axes[0].lines]
    ['mine', 'persistence']
    """
    found = _scores.checked(scores, score)
    shown = _scores.outputs_of(found, score, outputs)
    columns = min(len(shown), 2)
    rows = -(-len(shown) // columns)
    figure, axes = style.canvas(
        rows,
        columns,
        width=style.WIDTH if columns > 1 else 6.0,
        height=0.7 + (2.1 if rows > 1 else 2.4) * rows,
        sharex=True,
    )
    for ax, output in zip(axes.flat, shown, strict=False):
        _panel(ax, found, score, output)
    for ax in axes.flat[len(shown) :]:
        ax.remove()
    for ax in axes.flat[max(0, len(shown) - columns) : len(shown)]:
        ax.set_xlabel("lead (steps)")
        ax.tick_params(labelbottom=True)
    _name_lines(figure, axes.flat[0], len(shown))
    return figure


def _panel(ax: Axes, found: xr.Dataset, score: str, output: str | None) -> None:
    table = found[score] if output is None else found[score].sel(output_name=output)
    lead = found["lead"].values
    if score in _scores.NOMINAL:
        ax.axhline(_scores.NOMINAL[score], color=style.INK, lw=0.8, ls=(0, (1, 2)), gid="nominal")
    models = [str(m) for m in found["model"].values]
    for model, look in _scores.looks(models).items():
        ax.plot(
            lead, table.sel(model=model).values, label=model, marker="o" if lead.size == 1 else "", **look
        )
    _scale(ax, score, table.values)
    ax.margins(x=0)
    style.above(ax, _scores.label(found, score, output))


def _scale(ax: Axes, score: str, values: np.ndarray) -> None:
    known = values[np.isfinite(values)]
    if score in _scores.NOMINAL:
        ax.set_ylim(0, 1.02)
    elif known.size and known.min() > 0 and known.max() > WIDE * known.min():
        style.log_axis(ax)
    elif known.size and known.min() >= 0:
        ax.set_ylim(0, 1.05 * known.max() or 1.0)


def _name_lines(figure: Figure, ax: Axes, panels: int) -> None:
    lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    if panels > 1:
        labels.legend(figure, lines, [str(line.get_label()) for line in lines])
        return
    ends = []
    for line in lines:
        y = np.asarray(line.get_ydata(), float)
        there = np.flatnonzero(np.isfinite(y))
        if there.size:
            ends.append((float(y[there[-1]]), str(line.get_label()), str(line.get_color())))
    labels.at_ends(ax, ends)
