"""nonlinear_units: how many rectified units a system asks for."""

from typing import Any

import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dynlearn.errors import ArgumentError
from dynlearn.plot.shared import style


@style.styled
def nonlinear_units(selection: Any) -> Figure:
    """The score of every seed over the number of rectified units, medians joined; a ring marks the number taken.

    The band runs from the best median to the upper quartile of its seeds: what lies inside is as good as the best.

    Args:
        selection: what `dl.fitting.select_nonlinear` returns, or its `table`.

    Returns:
        A matplotlib figure.

    Raises:
        ArgumentError: anything else.

    >>> import xarray as xr
    >>> parts = {"score": (("nonlinear", "seed"), [[3.0, 2.0], [1.0, 1.2]])}
    >>> parts |= {name: ("nonlinear", values) for name, values in
    ...           {"median": [2.5, 1.1], "lower": [2.2, 1.0], "upper": [2.8, 1.2]}.items()}
    >>> table = xr.Dataset(parts, {"nonlinear": [0, 1]}, {"chosen": 1, "best": 1})
    >>> nonlinear_units(table).axes[0].get_title(loc="left")
    '1 rectified unit'
    """
    table = getattr(selection, "table", selection)
    if not isinstance(table, xr.Dataset) or not {"score", "median", "upper"} <= set(table):
        raise ArgumentError(
            f"selection: expected what dl.fitting.select_nonlinear returns, got {type(selection).__name__}."
        )
    figure, axes = style.canvas(1, height=2.6, width=4.6)
    ax, color = axes[0, 0], style.color_of(0)
    number, median = table["nonlinear"].values, table["median"].values
    best = table.sel(nonlinear=table.attrs["best"])
    ax.axhspan(float(best["median"]), float(best["upper"]), color=color, alpha=0.15, lw=0, gid="as good")
    for values in table["score"].transpose("seed", "nonlinear").values:
        ax.plot(number, values, "o", color=color, ms=2.5, mew=0, alpha=0.6)
    ax.plot(number, median, color=color)
    chosen = table.attrs["chosen"]
    height = float(table["median"].sel(nonlinear=chosen))
    ax.plot(chosen, height, "o", ms=8, mfc="none", mec=color, mew=1.2, gid="chosen")
    ax.set_title(f"{chosen} rectified unit{'s' * int(chosen != 1)}", loc="left")
    ax.set_xlabel("rectified units")
    ax.set_ylabel("distance of free runs")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
