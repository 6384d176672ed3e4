"""Marks that several figures share: lines with gaps, steps, fans, rugs."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.markers import TICKUP

from dynlearn.plot.shared import data, style
from dynlearn.plot.shared.data import Channel
from dynlearn.trajectories import schema
from dynlearn.trajectories.hold import Hold

BANDS = ((0.05, 0.95, 0.16), (0.25, 0.75, 0.30))
"""Lower quantile, upper quantile, opacity: the central 90 % and 50 %."""

MANY_POINTS = 20_000
"""Above this a line is drawn as pixels also in vector formats."""


def series(
    ax: Axes, ds: xr.Dataset, run: Any, channel: Channel, *, variable: str | None = None, **look: Any
) -> Any:
    """One channel of one run: controls held as steps, else a line; dots where samples are few or isolated."""
    variable = variable or channel.kind
    t, y = data.instants(ds, run), data.values(ds, run, variable, channel)
    steps = channel.kind == "control" and schema.hold(ds) is Hold.ZERO
    if channel.kind == "control":
        y = data.held(ds, y)
    else:
        rug(ax, t[np.isnan(y)], look.get("color", style.INK))
        t, y = data.broken(t, y, data.rate_of(ds))
    line_style: dict[str, Any] = {"drawstyle": "steps-post" if steps else "default", **look}
    (line,) = ax.plot(t, y, rasterized=t.size > MANY_POINTS, **line_style)
    if not steps and "marker" not in look:
        mark_isolated(ax, t, y, line)
    return line


def mark_isolated(ax: Axes, t: np.ndarray, y: np.ndarray, line: Any) -> None:
    """A dot on every sample that has no measured neighbour, which a line would not show."""
    there = np.concatenate([[False], ~np.isnan(y), [False]])
    alone = there[1:-1] & ~there[:-2] & ~there[2:]
    if alone.any():
        ax.plot(t[alone], y[alone], ".", ms=3, color=line.get_color(), alpha=line.get_alpha(), mew=0)


def rug(ax: Axes, t: np.ndarray, color: Any) -> None:
    """A tick on the floor of the axes at each instant where nothing was measured."""
    if t.size:
        ax.plot(
            t, np.zeros(t.size), marker=TICKUP, ls="", ms=4.5, mew=0.7, color=color, alpha=0.55,
            transform=ax.get_xaxis_transform(), clip_on=False, zorder=1.5, gid="missing",
        )  # fmt: skip


def fan(ax: Axes, t: np.ndarray, draws: np.ndarray, color: str, label: str = "") -> Any:
    """Median, 50 % and 90 % bands of samples `(sample, time)`."""
    for low, high, opacity in BANDS:
        lower, upper = data.quantiles(draws, (low, high))
        band(ax, t, lower, upper, color, opacity, f"{100 * (high - low):.0f} %")
    (line,) = ax.plot(t, data.quantiles(draws, (0.5,))[0], color=color, label=label or "median")
    return line


def band(
    ax: Axes, t: np.ndarray, lower: np.ndarray, upper: np.ndarray, color: str, opacity: float, gid: str
) -> Any:
    return ax.fill_between(t, lower, upper, color=color, alpha=opacity, lw=0, gid=f"band {gid}")


def points(t: np.ndarray) -> dict[str, Any]:
    """How measured values are marked: dots where they can be told apart, a thin line where not."""
    if t.size <= 150:
        return {"marker": "o", "ms": 2.4, "mew": 0, "lw": 0.7}
    return {"lw": 0.9}


def one_of(count: int, few: bool) -> dict[str, Any]:
    """How one of `count` runs in the same axes is drawn: thinner and fainter in a cloud."""
    return {"lw": 1.2, "alpha": 0.95} if few else {"lw": 0.8, "alpha": max(0.15, 0.9 - 0.1 * count**0.5)}


def bound_lines(ax: Axes, low: float | None, high: float | None) -> None:
    for value in (low, high):
        if value is not None and np.isfinite(value):
            ax.axhline(value, color=style.INK, lw=0.8, ls=(0, (1, 2)), zorder=1.2, gid="bound")


def target_line(ax: Axes, value: float) -> None:
    ax.axhline(value, color=style.PALETTE[2], lw=1.0, ls=(0, (4, 2)), zorder=1.2, gid="target")


def unit_circle(ax: Axes) -> None:
    """The complex plane, with the circle inside of which a mode decays."""
    angle = np.linspace(0, 2 * np.pi, 361)
    ax.fill(np.cos(angle), np.sin(angle), color="#F4F6F8", lw=0, zorder=0)
    ax.plot(np.cos(angle), np.sin(angle), color=style.GREY, lw=0.8, gid="unit circle", zorder=1)
    ax.axhline(0, color=style.PALE, lw=0.7, zorder=0.5)
    ax.axvline(0, color=style.PALE, lw=0.7, zorder=0.5)
    ax.grid(False)
    ax.set_aspect("equal", adjustable="datalim")
