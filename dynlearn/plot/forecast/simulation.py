"""simulation: a free run of a model beside the record."""

from statistics import NormalDist
from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynlearn.plot.shared import data, draw, labels, style
from dynlearn.plot.shared.data import Channel


@style.styled
def simulation(sim: xr.Dataset, run: Any = None, outputs: Any = None) -> Figure:
    """The mean path of a free run with its bands, the recorded outputs over it, the controls below.

    The bands are the central 50 % and 90 % intervals of a Gaussian with the standard deviation
    `output_scale` about the mean path.

    Args:
        sim: what `dl.simulate` returns.
        run: the run id to show; default the first.
        outputs: names of the outputs to show; default all.

    Returns:
        A matplotlib figure with one panel per output and one per control.

    Raises:
        ArgumentError: an unknown run or output.

    >>> import numpy as np, dynlearn as dl
    >>> sim = dl.from_arrays(np.zeros(9), dt=1.0)
    >>> sim = sim.assign(recorded=sim.output, output_scale=sim.output + 1.0)
    >>> len(simulation(sim).axes)
    1
    """
    data.checked(sim, "sim", "output", "output_scale", "recorded", made_by="dl.simulate")
    run = data.one_run(sim, run)
    panels, controls = data.channels(sim, "output", outputs), data.channels(sim, "control")
    ratios = [1.0] * len(panels) + [0.5] * len(controls)
    figure, axes = style.canvas(len(ratios), height=0.65 + 1.55 * sum(ratios), ratios=ratios, sharex=True)
    for ax, channel in zip(axes[:, 0], [*panels, *controls], strict=True):
        if channel.kind == "output":
            handles = _panel(ax, sim, run, channel)
        else:
            draw.series(ax, sim, run, channel, color=style.GREY, lw=1.0)
        style.above(ax, channel.label)
    axes[-1, 0].set_xlabel(data.time_label(sim))
    if sim.sizes["trajectory"] > 1:
        style.note(axes[0, 0], f"run {run}")
    labels.legend(figure, list(handles.values()), list(handles))
    return figure


def _panel(ax: Axes, sim: xr.Dataset, run: Any, channel: Channel) -> dict[str, Any]:
    blue = style.PALETTE[0]
    t, mean = data.instants(sim, run), data.values(sim, run, "output", channel)
    scale = data.values(sim, run, "output_scale", channel)
    handles: dict[str, Any] = {}
    for low, high, opacity in draw.BANDS:
        width, name = NormalDist().inv_cdf(high) * scale, f"{100 * (high - low):.0f} %"
        handles[name] = draw.band(ax, t, mean - width, mean + width, blue, opacity, name)
    (handles["free run"],) = ax.plot(t, mean, color=blue)
    look = {"color": style.INK, "zorder": 3, **draw.points(t)}
    handles["recorded"] = draw.series(ax, sim, run, channel, variable="recorded", **look)
    return {name: handles[name] for name in ("free run", "50 %", "90 %", "recorded")}
