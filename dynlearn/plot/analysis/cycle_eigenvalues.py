"""cycle_eigenvalues: how stable the cycles of a model are."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from dynlearn.plot.analysis import _found
from dynlearn.plot.shared import draw, labels, style

COMPRESSED = 5.0
"""Largest modulus beyond which the plane outside of the unit circle is drawn in logarithms."""


@style.styled
def cycle_eigenvalues(cycles: xr.Dataset) -> Figure:
    r"""Eigenvalues of the map around each cycle, coloured by period, with the unit circle: stable ones are all inside.

    Those of a stable cycle are full, those of one that repels hollow. Where some are far out, a modulus $|\lambda|$
    above 1 is drawn at the distance $1 + \log|\lambda|$, and the axes say so.

    Args:
        cycles: what `dl.analysis.cycles` or `fixed_points` returns.

    Returns:
        A matplotlib figure with one panel.

    Raises:
        ArgumentError: another dataset.

    >>> found = xr.Dataset({"eigenvalue": (("cycle", "mode"), [[0.5 + 0.5j, 0.5 - 0.5j]]), "period": ("cycle", [2]),
    ...                     "stable": ("cycle", [True]), "modulus": ("cycle", [0.7])})
    >>> cycle_eigenvalues(found).axes[0].get_title(loc="right")
    '1 cycle, 1 of them stable'
    """
    found = _found.checked(cycles, "cycles", "eigenvalue", "period", "stable")
    values = found["eigenvalue"].transpose("cycle", "mode").values
    figure, axes = style.canvas(width=4.8, height=4.4)
    ax, far = axes[0, 0], np.abs(values).max(initial=0) > COMPRESSED
    draw.unit_circle(ax)
    if far:
        size = np.abs(values)
        values = np.where(size > 1, values / np.maximum(size, 1) * (1 + np.log(np.maximum(size, 1))), values)
    periods, handles = np.unique(found["period"].values), []
    for period, color in zip(periods, _found.colors(periods.size), strict=True):
        for stable in (False, True):
            some = values[(found["period"].values == period) & (found["stable"].values == stable)].ravel()
            face = color if stable else "white"
            (dots,) = ax.plot(some.real, some.imag, "o", ms=4.5, mfc=face, mec=color, mew=1.0, zorder=3)
            dots.set_gid(f"period {period} {'stable' if stable else 'unstable'}")
        handles.append(dots)
    shown = handles[: len(style.PALETTE)]
    labels.legend(figure, shown, [f"period {n}" for n in periods[: len(shown)]])
    scale = r", beyond 1 at $1 + \log|\lambda|$" if far else ""
    ax.set_xlabel(rf"real part of $\lambda${scale}")
    ax.set_ylabel(r"imaginary part of $\lambda$")
    count = found.sizes["cycle"]
    style.note(ax, f"{count} cycle{'s' * (count != 1)}, {int(found['stable'].sum())} of them stable")
    return figure
