"""symbolic_graph: how the regions of a model follow one another."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch

from dynlearn.errors import check_count
from dynlearn.plot.analysis import _found
from dynlearn.plot.shared import style

SMALLEST, LARGEST = 0.07, 0.24
"""Radii of the nodes; they stand on a circle of radius 1."""
FAINTEST = 0.15
NUMBERED = 6
"""Nodes up to which every arrow has its probability beside it."""


@style.styled
def symbolic_graph(regions: xr.Dataset, most: int = 12, least: float = 0.01) -> Figure:
    """Regions as nodes, on a circle; an arrow where one follows another, the broader the more often.

    The area of a node is its share of the steps; the number at an arrow the probability of the step along it, where
    there are few. Staying in a region is a loop.

    Args:
        regions: what `dl.analysis.regions` returns.
        most: regions that are shown, the most visited ones.
        least: the smallest probability that is shown.

    Returns:
        A matplotlib figure with one panel.

    Raises:
        ArgumentError: another dataset.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("lorenz63", runs=1, length=200, key=0)
    >>> model = dl.models.ALRNN.from_data(ds, latent=5, nonlinear=2, key=0)
    >>> figure = symbolic_graph(dl.analysis.regions(model, ds, steps=100))
    >>> figure.axes[0].get_title(loc="left").split(", ")[1]
    '100 % of the steps'
    """
    found = _found.checked(regions, "regions", "transition", "occupancy")
    check_count("most", most, 1)
    count, share = min(most, found.sizes["region_number"]), found["occupancy"].values
    P = found["transition"].transpose("region_number", "region_next").values
    figure, axes = style.canvas(width=5.4, height=5.2)
    ax = axes[0, 0]
    angle = np.pi / 2 - 2 * np.pi * np.arange(count) / count
    place = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (count > 1)
    radius = np.maximum(SMALLEST, LARGEST * np.sqrt(share[:count] / share[0]))
    for i, j in np.argwhere(P[:count, :count] >= least):
        if i == j:
            at = _loop(ax, place[i], radius[i], P[i, i])
        else:
            at = _arrow(ax, place[i], place[j], radius[i], radius[j], P[i, j])
        ax.patches[-1].set_gid(f"edge {i} {j}")
        if count <= NUMBERED:
            ax.annotate(
                f"{P[i, j]:.2g}", at, ha="center", va="center", fontsize=6.5, color=style.GREY, zorder=5
            )
    for i, color in enumerate(_found.colors(count)):
        ax.add_patch(
            Circle(tuple(place[i]), radius[i], fc=color, ec="white", lw=1.2, zorder=3, gid=f"node {i}")
        )
        ax.annotate(str(i), place[i], ha="center", va="center", color="white", zorder=4, fontsize=8.5)
    ax.set(xlim=(-1.75, 1.75), ylim=(-1.75, 1.75), aspect="equal")
    ax.axis("off")
    every = found.sizes["region_number"]
    plural = "s" * (every != 1)
    ax.set_title(
        f"{count} of {every} region{plural}, {100 * share[:count].sum():.0f} % of the steps", loc="left"
    )
    return figure


def _look(p: float) -> dict:
    return {"lw": 0.5 + 2.5 * p, "color": style.INK, "alpha": FAINTEST + (1 - FAINTEST) * p, "zorder": 2}


def _arrow(
    ax: Axes, a: np.ndarray, b: np.ndarray, from_a: float, to_b: float, p: float
) -> tuple[float, float]:
    """Bent to one side, so that the way back has a place of its own; where its number stands."""
    along = (b - a) / np.linalg.norm(b - a)
    side = np.array([along[1], -along[0]])
    start, end = a + from_a * along + 0.04 * side, b - to_b * along + 0.04 * side
    arrow = FancyArrowPatch(
        (start[0], start[1]),
        (end[0], end[1]),
        connectionstyle="arc3,rad=0.15",
        arrowstyle="-|>",
        mutation_scale=8 + 4 * p,
        shrinkA=0,
        shrinkB=1.5,
        **_look(p),
    )
    ax.add_patch(arrow)
    x, y = (start + end) / 2 + 0.14 * np.linalg.norm(end - start) * side
    return x, y


def _loop(ax: Axes, place: np.ndarray, radius: float, p: float) -> tuple[float, float]:
    """A small circle that looks away from the others; where its number stands."""
    away, size = place if place.any() else np.array([0.0, 1.0]), 0.11
    (x, y), (at_x, at_y) = (place + (radius + far * size) * away for far in (0.8, 2.7))
    ax.add_patch(Circle((x, y), size, fill=False, **_look(p)))
    return at_x, at_y
