"""inferred: what a state-space model says of the outputs behind the measurements."""

from statistics import NormalDist
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynlearn.errors import ArgumentError
from dynlearn.plot.shared import data, draw, labels, style
from dynlearn.plot.shared.data import Channel

MADE_BY = "dl.filter, dl.smooth or dl.impute"


@style.styled
def inferred(ds: xr.Dataset, run: Any = None, outputs: Any = None, *, level: float = 0.9) -> Figure:
    """Measured outputs of one run, and their inferred mean with its interval; the gaps where nothing was measured.

    Args:
        ds: what `dl.filter`, `dl.smooth` (a further measurement at every instant) or `dl.impute` (what is
            missing) returns.
        run: a run id; default the first.
        outputs: names of the outputs to show; default all.
        level: of the interval, mean +- z output_scale.

    Returns:
        A matplotlib figure with one panel per output.

    Raises:
        ArgumentError: a level outside (0, 1); an unknown run or output.

    >>> import numpy as np, dynlearn as dl
    >>> from dynlearn.models import LinearStateSpace, Signature
    >>> walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[0.01]], "P0": [[9.0]]}
    >>> model = LinearStateSpace.from_matrices(Signature(("level",), interval=1.0), walk)
    >>> ds = dl.from_arrays([[[0.0], [np.nan], [np.nan], [3.0]]], dt=1.0, output_names=["level"])
    >>> inferred(dl.impute(model, ds)).axes[0].get_ylabel()
    'level'
    """
    if not isinstance(level, float) or not 0 < level < 1:
        raise ArgumentError(f"level: expected a number between 0 and 1, got {level!r}.")
    data.checked(ds, "ds", "output", "output_scale", made_by=MADE_BY)
    run = data.one_run(ds, run)
    panels = data.channels(ds, "output", outputs)
    figure, axes = style.canvas(len(panels), height=0.65 + 1.55 * len(panels), sharex=True)
    for ax, channel in zip(axes[:, 0], panels, strict=True):
        handles = _panel(ax, ds, run, channel, level)
        style.above(ax, channel.label)
    axes[-1, 0].set_xlabel(data.time_label(ds))
    if ds.sizes["trajectory"] > 1:
        style.note(axes[0, 0], f"run {run}")
    labels.legend(figure, list(handles.values()), list(handles))
    return figure


def _panel(ax: Axes, ds: xr.Dataset, run: Any, channel: Channel, level: float) -> dict[str, Any]:
    t = data.instants(ds, run)
    y = data.values(ds, run, "output", channel)
    scale = data.values(ds, run, "output_scale", channel)
    if "output_mean" in ds:
        mean, measured = data.values(ds, run, "output_mean", channel), np.isfinite(y)
    else:
        mean, measured = y, scale == 0
    blue, z = style.PALETTE[0], NormalDist().inv_cdf((1 + level) / 2)
    handles: dict[str, Any] = {}
    look: dict[str, Any] = {"marker": "o", "ms": 2.2 if t.size <= 400 else 1.2, "mew": 0, "ls": ""}
    (handles["measured"],) = ax.plot(t, np.where(measured, y, np.nan), color=style.INK, zorder=3, **look)
    (handles["mean"],) = ax.plot(t, mean, color=blue, lw=1.0)
    name = f"{100 * level:.0f} %"
    handles[name] = draw.band(ax, t, mean - z * scale, mean + z * scale, blue, 0.22, name)
    draw.rug(ax, t[~measured], style.INK)
    return handles
