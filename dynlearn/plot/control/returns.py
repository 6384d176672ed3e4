"""returns: what each controller earned, episode by episode."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dynlearn.errors import ArgumentError
from dynlearn.plot.shared import style
from dynlearn.plot.shared.labels import number


@style.styled
def returns(returns: Mapping[str, Any], target: float | None = None, *, unit: str = "") -> Figure:
    """Every episode as a dot, one row per controller, with the mean as a bar and in words.

    Args:
        returns: from a name to the returns of its episodes, or a closed-loop dataset with `reward`.
        target: a return to reach; a dashed line.
        unit: of the reward, where it has one.

    Returns:
        A matplotlib figure with one panel.

    Raises:
        ArgumentError: no mapping, or one from a name to no episode.

    >>> figure = returns({"random": [-1200.0, -900.0], "MPC": [-150.0, -130.0]}, target=-200)
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['random', 'MPC']
    """
    if not isinstance(returns, Mapping) or not returns:
        raise ArgumentError(
            f"returns: expected a mapping from names to returns per episode, got {type(returns).__name__}"
            + (
                "; an empty one shows nothing."
                if isinstance(returns, Mapping)
                else '; pass {"MPC": returns}.'
            )
        )
    table = {str(name): _per_episode(name, given) for name, given in returns.items()}
    figure, axes = style.canvas(width=6.0, height=0.65 + 0.46 * len(table))
    ax = axes[0, 0]
    for row, (name, earned) in enumerate(table.items()):
        color = style.color_of(row)
        # Spread over the height of the row by rank in time, so that equal returns do not hide each other.
        offset = 0.24 * (np.arange(earned.size) / max(earned.size - 1, 1) - 0.5) * (earned.size > 1)
        ax.plot(earned, row + offset, "o", ms=3.6, mew=0, color=color, alpha=0.55, label=name)
        ax.plot([earned.mean()] * 2, [row - 0.3, row + 0.3], color=color, lw=2.0, gid="mean")
        note = f"mean {number(earned.mean())}, n = {earned.size}"
        ax.annotate(
            note, (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=7.5, color=color
        )
    if target is not None:
        ax.axvline(target, color=style.GREY, lw=0.9, ls=(0, (4, 2)), zorder=1, gid="target")
        ax.annotate(
            f"target {number(target)}", (target, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3),
            textcoords="offset points", ha="center", fontsize=7.5, color=style.GREY,
        )  # fmt: skip
    ax.set_yticks(range(len(table)), list(table))
    ax.set_ylim(len(table) - 0.45, -0.55)
    ax.tick_params(axis="y", length=0)
    ax.grid(False)
    ax.grid(True, axis="x")
    ax.spines["left"].set_visible(False)
    ax.margins(x=0.03)
    ax.set_xlabel(f"return per episode ({unit})" if unit else "return per episode")
    return figure


def _per_episode(name: object, given: Any) -> np.ndarray:
    import xarray as xr

    if isinstance(given, xr.Dataset):
        if "reward" not in given:
            raise ArgumentError(
                f"returns[{name!r}]: expected a dataset with 'reward', got {list(given.data_vars)}."
            )
        given = given["reward"].sum("time").values
    try:
        earned = np.asarray(given, float).reshape(-1)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"returns[{name!r}]: expected numbers, one per episode, got {given!r:.60}."
        ) from None
    if earned.size == 0 or not np.isfinite(earned).all():
        raise ArgumentError(
            f"returns[{name!r}]: expected finite numbers, one per episode, got {earned.tolist()}."
        )
    return earned
