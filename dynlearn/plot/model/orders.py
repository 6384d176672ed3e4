"""orders: how many states the criteria ask for."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dynlearn.errors import ArgumentError
from dynlearn.plot.shared import style

SHOWN = {
    "aic": "AIC",
    "bic": "BIC",
    "svc": "singular value criterion",
    "nic": "NIC",
    "validation": "negative log density per held-out value",
}


@style.styled
def orders(scores: Any) -> Figure:
    """Every criterion over the number of states, the smaller the better; a ring marks the best one.

    Args:
        scores: what `dl.fitting.order_scores` returns.

    Returns:
        A matplotlib figure with one panel per criterion.

    >>> import xarray as xr
    >>> scores = xr.Dataset({"bic": ("order", [9.0, 2.0, 3.0])}, {"order": [1, 2, 3]})
    >>> orders(scores).axes[0].get_title(loc="left")
    'BIC: 2 states'
    """
    names = _checked(scores)
    figure, axes = style.canvas(len(names), height=0.6 + 1.1 * len(names), width=4.6, sharex=True)
    order = scores["order"].values
    for i, (ax, name) in enumerate(zip(axes[:, 0], names, strict=True)):
        values = scores[name].values.astype(float)
        there, color = np.isfinite(values), style.color_of(i)
        best = int(np.argmin(np.where(there, values, np.inf)))
        ax.plot(order[there], values[there], color=color, marker="o", ms=3, mew=0)
        ring = {"ms": 8, "mfc": "none", "mec": color, "mew": 1.2, "gid": "best"}
        ax.plot(order[best], values[best], "o", **ring)
        states = f"{order[best]} state{'s' * int(order[best] != 1)}"
        ax.margins(y=0.2)
        ax.set_title(f"{SHOWN.get(name, name)}: {states}", loc="left")
    axes[-1, 0].set_xlabel("number of states")
    axes[-1, 0].xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _checked(scores: Any) -> list[str]:
    if not isinstance(scores, xr.Dataset) or "order" not in scores.coords or not scores.data_vars:
        raise ArgumentError(
            f"scores: expected what dl.fitting.order_scores returns, got {type(scores).__name__}; call it on the "
            f"training data."
        )
    names = [str(name) for name in scores.data_vars]
    for name in names:
        if not np.isfinite(scores[name].values.astype(float)).any():
            raise ArgumentError(f"scores: {name!r} is not finite for any order; try lower orders.")
    return names
