"""basins: which states are drawn to which attractor."""

import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from dynlearn.plot.analysis import _found
from dynlearn.plot.shared import labels, style

NONE = {-2: (style.PALE, "not settled"), -1: ("white", "leaves")}
"""Colour and name of what is on no attractor, by its number."""


@style.styled
def basins(basins: xr.Dataset) -> Figure:
    """The grid coloured by attractor, white where an orbit leaves, grey where it has not settled; means as crosses.

    Args:
        basins: what `dl.analysis.basins` returns, over one output or two.

    Returns:
        A matplotlib figure with one panel: a strip over one output, a map over two, the first of them across.

    Raises:
        ArgumentError: another dataset.

    >>> found = xr.Dataset({"attractor": ("x", [1, 1, 0, 0, -1]), "share": ("attractor_number", [0.4, 0.4]),
    ...                     "mean": (("attractor_number", "output_name"), [[1.0], [-1.0]])},
    ...                    {"x": [-1.0, -0.5, 0.5, 1.0, 1.5], "output_name": ["x"]})
    >>> figure = basins(found)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['0: 40 %', '1: 40 %', 'leaves: 20 %']
    """
    found = _found.checked(basins, "basins", "attractor", "share", "mean")
    label = found["attractor"]
    across, up = (*label.dims, None)[:2]
    figure, axes = style.canvas(width=5.0, height=4.2 if up else 1.8)
    ax, count = axes[0, 0], found.sizes["attractor_number"]
    colors = [*(color for color, _ in NONE.values()), *_found.colors(count)]
    norm = BoundaryNorm(np.arange(min(NONE) - 0.5, count + 0.5), len(colors))
    x = _edges(label[across].values)
    y = _edges(label[up].values) if up else np.array([0.0, 1.0])
    mesh = ax.pcolormesh(
        x, y, np.atleast_2d(label.values.T), cmap=ListedColormap(colors), norm=norm, alpha=0.55
    )
    mesh.set_gid("basins")
    mean = found["mean"].transpose("attractor_number", "output_name")
    at_x = mean.sel(output_name=across).values
    at_y = mean.sel(output_name=up).values if up else np.full(count, 0.5)
    ax.plot(at_x, at_y, "x", color=style.INK, ms=6, mew=1.2, gid="attractors")
    ax.set_xlabel(_found.label(found, str(across)))
    if up:
        style.above(ax, _found.label(found, str(up)))
    else:
        ax.set_yticks([])
    ax.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    ax.grid(False)
    shown = min(count, len(style.PALETTE))
    handles = [Patch(fc=colors[len(NONE) + i], alpha=0.55) for i in range(shown)]
    texts = [f"{i}: {100 * float(found['share'][i]):.0f} %" for i in range(shown)]
    for number, (color, text) in NONE.items():
        if share := float((label == number).mean()):
            handles.append(Patch(fc=color, ec=style.GREY, alpha=0.55))
            texts.append(f"{text}: {100 * share:.0f} %")
    labels.legend(figure, handles, texts)
    return figure


def _edges(centres: np.ndarray) -> np.ndarray:
    """The borders of cells around points of a regular grid."""
    half = (centres[1] - centres[0]) / 2
    return np.append(centres - half, centres[-1] + half)
