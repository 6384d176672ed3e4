"""The one look of all figures: a colour-blind-safe palette, thin axes, small clear type."""

import os
from collections.abc import Callable
from functools import wraps
from io import BytesIO
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import offset_copy

from dynlearn.disk import check_place, put
from dynlearn.errors import check_known

P = ParamSpec("P")
R = TypeVar("R")

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#B5559A", "#C98A00", "#3E9BCB")
"""Blue, vermillion, green, purple, amber, sky: after Okabe and Ito, told apart with any colour vision."""

INK, GREY, PALE = "#22262B", "#767C85", "#D5D9DE"

WIDTH = 7.2
"""Inches; what a page column or a notebook cell shows without scaling."""

RC: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "text.color": INK,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.edgecolor": "#9AA0A8",
    "axes.facecolor": "white",
    "axes.labelcolor": INK,
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "normal",
    "axes.titlepad": 4.0,
    "axes.xmargin": 0.01,
    "axes.formatter.useoffset": False,
    "grid.color": "#E9ECEF",
    "grid.linewidth": 0.7,
    "grid.linestyle": "-",
    "lines.linewidth": 1.3,
    "lines.markersize": 4.0,
    "lines.solid_capstyle": "round",
    "lines.solid_joinstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": "white",
    "figure.dpi": 100,
    "path.simplify": True,
}


class Plot(Figure):
    """A Figure that also shows itself in a notebook where pyplot was never imported, and is written whole."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """As matplotlib's; a file takes the place of an old one when it is complete, or not at all.

        Raises:
            ArgumentError: an unknown suffix or a missing folder.
            WriteError: the disk is full, or may not be written to.
        """
        if not isinstance(fname, str | os.PathLike):
            super().savefig(fname, **options)
            return
        path = check_place(fname)
        kind = str(options.pop("format", None) or path.suffix[1:] or "png").lower()
        path = path if path.suffix else path.with_name(f"{path.name}.{kind}")
        check_known("format of a figure", [kind], self.canvas.get_supported_filetypes())
        content = BytesIO()
        super().savefig(content, format=kind, **options)
        put(path, content.getvalue())

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        png = BytesIO()
        self.savefig(png, format="png", dpi=2 * self.dpi)
        width, height = (round(inches * self.dpi) for inches in self.get_size_inches())
        return png.getvalue(), {"width": width, "height": height}


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Draw under the house style; the caller's matplotlib settings come back afterwards."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context(RC):
            return draw(*args, **kwargs)

    return drawn


def canvas(
    rows: int = 1,
    columns: int = 1,
    *,
    width: float = WIDTH,
    height: float,
    ratios: list[float] | None = None,
    sharex: Any = False,
    sharey: Any = False,
) -> tuple[Plot, np.ndarray]:
    """A figure and its axes as an array `(rows, columns)`; sizes in inches."""
    layout = ConstrainedLayoutEngine(w_pad=0.07, h_pad=0.05)
    figure = Plot(figsize=(width, height), layout=layout)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=sharex, sharey=sharey, height_ratios=ratios)
    for ax in axes.flat:
        # Given here and not left to rcParams, which ticks would read only when they are drawn.
        ax.tick_params(
            which="both", color="#9AA0A8", labelcolor="#4A5058", labelsize=7.5, width=0.7, length=2.5, pad=2.5
        )
        ax.tick_params(which="minor", length=1.5)
    return figure, axes


def note(ax: Axes, text: str) -> None:
    """A quiet remark at the top right of the axes."""
    ax.set_title(text, loc="right", fontsize=7.5, color=GREY)


def above(ax: Axes, label: str) -> None:
    """The label of the y axis, level and above it: long names stay legible in low panels."""
    ax.set_ylabel(label, rotation=0, ha="left", va="bottom")
    just_above = offset_copy(ax.transAxes, ax.get_figure(root=True), y=4.0, units="points")
    ax.yaxis.set_label_coords(0.0, 1.0, transform=just_above)
    # Layout takes no account of a label up there; an empty title keeps its place free.
    ax.set_title(" ", loc="left", fontsize=8.5)


def color_of(i: int) -> str:
    return PALETTE[i % len(PALETTE)]


def log_axis(ax: Axes) -> None:
    """A logarithmic y axis with plain numbers on it: 1, 2, 5 where it spans few decades."""
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    if high / low > 1e3:
        return
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low > 5 else "all"))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
