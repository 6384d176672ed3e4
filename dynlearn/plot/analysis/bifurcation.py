"""bifurcation: where orbits settle, over a control or a static feature."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from dynlearn.plot.analysis import _found
from dynlearn.plot.shared import labels, style

MANY_POINTS = 5000
MOST = 6
"""Outputs in one figure."""


@style.styled
def bifurcation(bifurcation: xr.Dataset, outputs: Any = None) -> Figure:
    """The values that an output settles on, over the parameter, and below them the largest Lyapunov exponent.

    Args:
        bifurcation: what `dl.analysis.bifurcation` returns.
        outputs: names of up to six outputs; default the first ones.

    Returns:
        A matplotlib figure with a panel per output and one of the exponent, shaded where that is positive.

    Raises:
        ArgumentError: another dataset; an unknown output.

    >>> found = xr.Dataset({"output": (("value", "step", "output_name"), np.ones((3, 4, 1))),
    ...                     "exponent": ("value", [-0.5, -0.1, 0.2])},
    ...                    {"value": [1.0, 2.0, 3.0], "output_name": ["x"]}, {"over": "r"})
    >>> [ax.get_xlabel() for ax in bifurcation(found).axes]
    ['', 'r']
    """
    found = _found.checked(bifurcation, "bifurcation", "output", "exponent")
    names = _found.outputs_of(found, outputs, MOST)
    heights = [2.0] * len(names) + [1.1]
    figure, axes = style.canvas(len(heights), height=sum(heights), width=6.0, ratios=heights, sharex=True)
    value = found["value"].values
    for i, (ax, name) in enumerate(zip(axes[:, 0], names, strict=False)):
        y = found["output"].transpose("value", "step", "output_name").sel(output_name=name).values
        look = {"ls": "", "marker": ".", "ms": 1.4, "mew": 0, "color": style.color_of(i), "gid": name}
        ax.plot(np.repeat(value, y.shape[1]), y.ravel(), rasterized=y.size > MANY_POINTS, **look)
        style.above(ax, _found.label(found, name))
    ax, exponent = axes[-1, 0], found["exponent"].values
    ax.axhline(0, color=style.INK, lw=0.8, ls=(0, (1, 2)), gid="zero", zorder=1.2)
    ax.plot(value, exponent, lw=1.0, color=style.INK, marker="." if value.size < 3 else "", gid="exponent")
    chaos = np.maximum(np.nan_to_num(exponent), 0)
    ax.fill_between(value, 0, chaos, color=style.PALETTE[1], alpha=0.3, lw=0, gid="chaos")
    unit = found["exponent"].attrs.get("units", "per time unit")
    style.above(ax, labels.with_unit("largest Lyapunov exponent", unit))
    ax.set_xlabel(str(found.attrs["over"]))
    return figure
