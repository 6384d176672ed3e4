"""simulation: a free run of a model beside the record."""

from statistics import NormalDist
from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynlearn.plot import _data, _draw, _labels, _style
from dynlearn.plot._data import Channel


@_style.styled
def simulation(sim: xr.Dataset, run: Any = None, outputs: Any = None) -> Figure:
    """The mean path of a free run with its bands, the recorded outputs over it, the controls below.

    The bands are the central 50 % and 90 % intervals of a Gaussian with the standard deviation
    `output_scale` about the mean path.

    Args:
        sim: what `dl.simulate` returns.
        run: the run id to show; default the first.
        outputs: names of the outputs to show; default all.

    >>> import numpy as np, dynlearn as dl
    >>> sim = dl.from_arrays(np.zeros(9), dt=1.0)
    >>> sim = sim.assign(recorded=sim.output, output_scale=sim.output + 1.0)
    >>> len(simulation(sim).axes)
    1
    """
    _data.checked(sim, "sim", "output", "output_scale", "recorded", made_by="dl.simulate")
    run = _data.one_run(sim, run)
    panels, controls = _data.channels(sim, "output", outputs), _data.channels(sim, "control")
    ratios = [1.0] * len(panels) + [0.5] * len(controls)
    figure, axes = _style.canvas(len(ratios), height=0.65 + 1.55 * sum(ratios), ratios=ratios, sharex=True)
    for ax, channel in zip(axes[:, 0], [*panels, *controls], strict=True):
        if channel.kind == "output":
            handles = _panel(ax, sim, run, channel)
        else:
            _draw.series(ax, sim, run, channel, color=_style.GREY, lw=1.0)
        _style.above(ax, channel.label)
    axes[-1, 0].set_xlabel(_data.time_label(sim))
    if sim.sizes["trajectory"] > 1:
        _style.note(axes[0, 0], f"run {run}")
    _labels.legend(figure, list(handles.values()), list(handles))
    return figure


def _panel(ax: Axes, sim: xr.Dataset, run: Any, channel: Channel) -> dict[str, Any]:
    blue = _style.PALETTE[0]
    t, mean = _data.instants(sim, run), _data.values(sim, run, "output", channel)
    scale = _data.values(sim, run, "output_scale", channel)
    handles: dict[str, Any] = {}
    for low, high, opacity in _draw.BANDS:
        width, name = NormalDist().inv_cdf(high) * scale, f"{100 * (high - low):.0f} %"
        handles[name] = _draw.band(ax, t, mean - width, mean + width, blue, opacity, name)
    (handles["free run"],) = ax.plot(t, mean, color=blue)
    look = {"color": _style.INK, "zorder": 3, **_draw.points(t)}
    handles["recorded"] = _draw.series(ax, sim, run, channel, variable="recorded", **look)
    return {name: handles[name] for name in ("free run", "50 %", "90 %", "recorded")}
