"""state_space: where the linear regions of a model lie, and its cycles among them."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dynlearn.plot.analysis import _found
from dynlearn.plot.shared import labels, style

MANY_POINTS = 5000


@style.styled
def state_space(regions: xr.Dataset, cycles: xr.Dataset | None = None, outputs: Any = None) -> Figure:
    """Orbits in the space of two or three outputs, coloured by region, with the cycles of the model over them.

    The most visited regions have colours of their own, all others are grey. A stable cycle is drawn full, one that
    repels hollow. Of one output the panel shows it over itself, one step later.

    Args:
        regions: what `dl.analysis.regions` returns.
        cycles: what `dl.analysis.cycles` or `fixed_points` returns for the same model.
        outputs: names of up to three outputs; default the first ones.

    Returns:
        A matplotlib figure with one panel, three-dimensional for three outputs.

    Raises:
        ArgumentError: other datasets; an unknown output, or more than three.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("lorenz63", runs=1, length=200, key=0)
    >>> model = dl.models.ALRNN.from_data(ds, latent=5, nonlinear=2, key=0)
    >>> found = dl.analysis.regions(model, ds, steps=100)
    >>> figure = state_space(found, dl.analysis.fixed_points(model, ds), outputs=["x", "z"])
    >>> figure.axes[0].get_xlabel()
    'x (1)'
    """
    found = _found.checked(regions, "regions", "region", "output", "occupancy")
    names = _found.outputs_of(found, outputs, 3)
    figure, axes = style.canvas(width=5.4, height=4.6)
    ax: Any = axes[0, 0]
    if len(names) == 3:
        spec = ax.get_subplotspec()
        ax.remove()
        ax = figure.add_subplot(spec, projection="3d")
    code, places = (
        found["region"].transpose("trajectory", "step").values,
        _found.runs_of(found, "output", names),
    )
    if len(names) == 1:
        code, places = code[:, :-1], [places[0][:, :-1], places[0][:, 1:]]
    _points(figure, ax, found, code, places)
    if cycles is not None:
        _cycles(ax, _found.checked(cycles, "cycles", "period", "stable", "output"), names)
    shown = [_found.label(found, name) for name in names]
    shown += [f"{shown[0]}, one step later"] * (len(names) == 1)
    ax.set_xlabel(shown[0])
    if len(names) == 3:
        ax.set(ylabel=shown[1], zlabel=shown[2])
    else:
        style.above(ax, shown[1])
        ax.grid(True, axis="both")
        ax.margins(0.05)
    return figure


def _points(figure: Figure, ax: Any, found: xr.Dataset, code: np.ndarray, places: list[np.ndarray]) -> None:
    colors, share = _found.colors(found.sizes["region_number"]), found["occupancy"].values
    handles: list = []
    texts: list[str] = []
    for k in reversed(range(len(colors))):  # the most visited one on top
        inside = code == k
        if not inside.any():
            continue
        ax.plot(
            *(place[inside] for place in places),
            ls="",
            marker=".",
            ms=2.2,
            mew=0,
            color=colors[k],
            rasterized=code.size > MANY_POINTS,
            gid=f"region {k}",
        )
        if k < len(style.PALETTE):
            handles.insert(0, Line2D([], [], ls="", marker="o", ms=4, mew=0, color=colors[k]))
            texts.insert(0, f"{k}: {100 * share[k]:.0f} %")
    labels.legend(figure, handles, texts)


def _cycles(ax: Any, cycles: xr.Dataset, names: list[str]) -> None:
    table = cycles["output"].transpose("cycle", "phase", "output_name")
    for i, (period, stable) in enumerate(zip(cycles["period"].values, cycles["stable"].values, strict=True)):
        path = [table.sel(output_name=name).values[i, :period] for name in names]
        if len(names) == 1:
            path.append(np.roll(path[0], -1))
        closed = [np.append(p, p[0]) for p in path]
        ax.plot(
            *closed,
            color=style.INK,
            lw=0.8,
            ls="-" if stable else (0, (3, 2)),
            marker="o",
            ms=4.5,
            mew=1.0,
            mec=style.INK,
            mfc=style.INK if stable else "white",
            zorder=5,
            gid=f"cycle {i}",
        )
