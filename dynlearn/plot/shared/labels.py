"""Labels: names with units, and words written beside the lines they name."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def with_unit(name: str, unit: str) -> str:
    """A quantity as an axis names it.

    >>> with_unit("speed", "m/s"), with_unit("count", "")
    ('speed (m/s)', 'count')
    """
    return f"{name} ({unit})" if unit else name


def number(value: float) -> str:
    """Four significant digits and a true minus sign.

    >>> number(-1234.56)
    '−1235'
    """
    return f"{value:.4g}".replace("-", "−")


def at_ends(ax: Axes, entries: Sequence[tuple[float, str, str]], *, size: float = 7.5) -> None:
    """Write each (y, text, color) right of the axes at its height, moved apart where they would overlap."""
    figure, spec = ax.get_figure(root=True), ax.get_subplotspec()
    if not entries or figure is None or spec is None:
        return
    low, high = ax.get_ylim()
    scale = np.log10 if ax.get_yscale() == "log" else np.asarray
    heights = np.array([float((scale(e[0]) - scale(low)) / (scale(high) - scale(low))) for e in entries])
    inches = spec.get_position(figure).height * figure.get_size_inches()[1]
    for height, (_, text, color) in zip(_apart(heights, 1.35 * size / 72 / inches), entries, strict=True):
        ax.annotate(
            text,
            (1.0, height),
            xycoords="axes fraction",
            xytext=(4, 0),
            textcoords="offset points",
            color=color,
            fontsize=size,
            va="center",
            annotation_clip=False,
        )


def _apart(heights: np.ndarray, step: float) -> np.ndarray:
    """The nearest heights in [0, 1] that are `step` apart, in the same order.

    Neighbours that are too near merge into a pool about their mean, and pools with pools.

    >>> _apart(np.array([0.5, 0.5, 0.9]), 0.1).round(2).tolist()
    [0.45, 0.55, 0.9]
    """
    order = np.argsort(np.clip(heights, 0, 1), kind="stable")
    pools: list[tuple[float, int]] = []  # (centre, members)
    for height in np.clip(heights, 0, 1)[order]:
        pools.append((float(height), 1))
        while (
            len(pools) > 1 and pools[-1][0] - pools[-2][0] < step * (pools[-1][1] + pools[-2][1]) / 2 - 1e-12
        ):
            (a, n), (b, m) = pools[-2:]
            half = step * (n + m - 1) / 2
            pools[-2:] = [(min(max((a * n + b * m) / (n + m), half), max(half, 1 - half)), n + m)]
    found = np.concatenate([centre + step * (np.arange(n) - (n - 1) / 2) for centre, n in pools])
    placed = np.empty_like(found)
    placed[order] = found
    return placed


def legend(figure: Figure, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """One line of keys at the top right of the figure."""
    figure.legend(
        handles,
        labels,
        loc="outside upper right",
        ncols=min(len(labels), 6),
        handlelength=1.4,
        columnspacing=1.2,
        handletextpad=0.5,
        borderaxespad=0.3,
    )
