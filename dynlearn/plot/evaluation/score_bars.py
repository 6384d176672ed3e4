"""score_bars: one number per model, over all leads."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynlearn.plot.evaluation import _scores
from dynlearn.plot.shared import style


@style.styled
def score_bars(scores: xr.Dataset, score: str = "crps", outputs: Any = None) -> Figure:
    """A score condensed over all leads as in `dl.evaluation.summary`: a bar per model, a panel per output.

    Args:
        scores: what `dl.evaluate` or `dl.compare` returns.
        score: one of `dl.evaluation.DEFINITIONS`.
        outputs: names of the outputs to show; default all.

    Returns:
        A matplotlib figure with one panel per output.

    Raises:
        ArgumentError: an unknown score or output.

    >>> import dynlearn as dl
    >>> coords = {"model": ["mine", "persistence"], "lead": [1, 2], "output_name": ["y"]}
    >>> values = xr.DataArray([[[0.1], [0.2]], [[0.3], [0.5]]], coords, ["model", "lead", "output_name"])
    >>> found = xr.Dataset({name: values for name in dl.evaluation.DEFINITIONS})
    >>> [bar.get_width().round(3).item() for bar in score_bars(found, "crps").axes[0].patches]
    [0.15, 0.4]
    """
    from dynlearn.evaluation import summary

    found = _scores.checked(scores, score)
    shown = _scores.outputs_of(found, score, outputs)
    models = [str(m) for m in found["model"].values]
    columns = min(len(shown), 3)
    rows = -(-len(shown) // columns)
    figure, axes = style.canvas(
        rows,
        columns,
        width=6.0 if columns == 1 else style.WIDTH,
        height=rows * (0.5 + 0.26 * len(models)),
        sharey=True,
    )
    for ax, output in zip(axes.flat, shown, strict=False):
        values = summary(found, output)[score].to_numpy(float)
        _bars(ax, models, values, _scores.NOMINAL.get(score))
        ax.set_xlabel(_scores.label(found, score, output))
    for ax in axes.flat[len(shown) :]:
        ax.remove()
    axes[0, 0].invert_yaxis()
    return figure


def _bars(ax: Axes, models: list[str], values: np.ndarray, nominal: float | None) -> None:
    looks = _scores.looks(models)
    place = np.arange(len(models))
    ax.barh(
        place,
        np.where(np.isfinite(values), values, 0.0),
        height=0.62,
        color=[looks[m]["color"] for m in models],
    )
    ax.set_yticks(place, models)
    ax.tick_params(axis="y", length=0)
    ax.grid(False)
    ax.spines["left"].set_visible(False)
    if nominal is not None:
        ax.axvline(nominal, color=style.INK, lw=0.8, ls=(0, (1, 2)), gid="nominal")
        ax.set_xlim(0, 1.18)
    known = values[np.isfinite(values)]
    if nominal is None and known.size:
        ax.set_xlim(0, 1.22 * max(float(known.max()), 1e-300))
    for y, value in zip(place, values, strict=True):
        text = f"{value:.3g}" if np.isfinite(value) else "not finite"
        at = max(value if np.isfinite(value) else 0.0, nominal or 0.0)
        ax.annotate(text, (at, y), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7.5)
