"""lyapunov: the spectrum of exponents, with its errors."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dynlearn.plot.analysis import _found
from dynlearn.plot.shared import labels, style


@style.styled
def lyapunov(lyapunov: xr.Dataset) -> Figure:
    """Lyapunov exponents, largest first, each orbit's with its standard error, and the Kaplan-Yorke dimension.

    Args:
        lyapunov: what `dl.analysis.lyapunov` returns.

    Returns:
        A matplotlib figure with one panel.

    Raises:
        ArgumentError: another dataset.

    >>> found = xr.Dataset({"exponent": (("trajectory", "order"), [[0.9, 0.0, -14.6]]),
    ...                     "error": (("trajectory", "order"), [[0.02, 0.01, 0.02]]),
    ...                     "kaplan_yorke": ("trajectory", [2.06])}, {"order": [1, 2, 3]})
    >>> lyapunov(found).axes[0].get_title(loc="right")
    'Kaplan-Yorke dimension 2.06'
    """
    found = _found.checked(lyapunov, "lyapunov", "exponent", "error", "kaplan_yorke")
    figure, axes = style.canvas(width=4.8, height=3.0)
    ax, order = axes[0, 0], found["order"].values
    values = found["exponent"].transpose("trajectory", "order").values
    errors = found["error"].transpose("trajectory", "order").values
    ax.axhline(0, color=style.INK, lw=0.8, ls=(0, (1, 2)), gid="zero", zorder=1.2)
    apart = 0.3 * (np.arange(len(values)) - (len(values) - 1) / 2) / max(len(values), 1)
    for i, (row, error) in enumerate(zip(values, errors, strict=True)):
        bars = ax.errorbar(order + apart[i], row, yerr=error, fmt="o", ms=4, lw=1.0, color=style.color_of(i))
        bars.lines[0].set_gid(f"run {i}")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.margins(x=0.08, y=0.1)
    ax.set_xlabel("exponent")
    style.above(
        ax, labels.with_unit("Lyapunov exponent", found["exponent"].attrs.get("units", "per time unit"))
    )
    style.note(ax, _dimension(found["kaplan_yorke"].values))
    return figure


def _dimension(dimension: np.ndarray) -> str:
    known = dimension[np.isfinite(dimension)]
    if not known.size:
        return "more exponents are needed for the Kaplan-Yorke dimension"
    most = f" to {known.max():.3g}" if f"{known.max():.3g}" != f"{known.min():.3g}" else ""
    return f"Kaplan-Yorke dimension {known.min():.3g}{most}"
