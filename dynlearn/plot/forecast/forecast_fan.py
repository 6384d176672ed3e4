"""forecast_fan: a forecast's distribution between what came before and what came true."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynlearn.errors import ArgumentError
from dynlearn.plot.shared import data, draw, labels, style
from dynlearn.plot.shared.data import Channel


@style.styled
def forecast_fan(
    forecast: xr.Dataset,
    truth: xr.Dataset | None = None,
    context: xr.Dataset | None = None,
    run: Any = None,
    outputs: Any = None,
    *,
    past: float | None = None,
) -> Figure:
    """Median, 50 % and 90 % bands of a forecast, with the context before it and the truth over it.

    Args:
        forecast: what `dl.forecast` returns.
        truth: recorded runs; shown where the forecast is.
        context: what the forecast started from.
        run: the run id to show; default the first. `truth` and `context` show the run of that id,
            or their only one.
        outputs: names of the outputs to show; default all.
        past: how much of the context to show, in time units; default twice the forecast's span.

    Returns:
        A matplotlib figure with one panel per output.

    Raises:
        ArgumentError: a forecast without samples; an unknown run or output.

    >>> import numpy as np, dynlearn as dl
    >>> fc = dl.from_arrays(np.zeros(9), dt=1.0, units={"y0": "m"})
    >>> fc["output"] = fc.output.expand_dims(sample=20) + np.random.default_rng(0).normal(size=(20, 1, 1, 1))
    >>> forecast_fan(fc).axes[0].get_ylabel()
    'y0 (m)'
    """
    data.checked(forecast, "forecast", "output", made_by="dl.forecast")
    if "sample" not in forecast["output"].dims:
        raise ArgumentError(
            f"forecast: expected samples (output with a 'sample' dimension), got {forecast['output'].dims}; "
            f"pass what dl.forecast returns, or use dl.plot.trajectories for a single path."
        )
    run = data.one_run(forecast, run)
    panels = data.channels(forecast, "output", outputs)
    beside = {
        name: (data.checked(ds, name), data.matching_run(ds, run, name))
        for name, ds in (("context", context), ("truth", truth))
        if ds is not None
    }
    figure, axes = style.canvas(len(panels), height=0.65 + 1.55 * len(panels), sharex=True)
    for ax, channel in zip(axes[:, 0], panels, strict=True):
        handles = _panel(ax, forecast, run, channel, beside)
        style.above(ax, channel.label)
    _limit(axes[0, 0], forecast, run, beside.get("context"), past)
    axes[-1, 0].set_xlabel(data.time_label(forecast))
    if forecast.sizes["trajectory"] > 1:
        style.note(axes[0, 0], f"run {run}")
    labels.legend(figure, list(handles.values()), list(handles))
    return figure


def _panel(ax: Axes, forecast: xr.Dataset, run: Any, channel: Channel, beside: dict) -> dict[str, Any]:
    """Draw one output; returns what the legend shows."""
    blue = style.PALETTE[0]
    t = data.instants(forecast, run)
    handles: dict[str, Any] = {}
    if "context" in beside:
        ds, its = beside["context"]
        look = draw.points(data.instants(ds, its))
        handles["context"] = draw.series(ax, ds, its, _same(ds, channel, "context"), color=style.GREY, **look)
        ax.axvline(data.instants(ds, its)[-1], color=style.PALE, lw=0.8, zorder=0.5, gid="now")
    handles["median"] = draw.fan(ax, t, data.values(forecast, run, "output", channel), blue)
    wide, narrow = ax.collections[-2:]
    handles["50 %"], handles["90 %"] = narrow, wide
    if "truth" in beside:
        ds, its = beside["truth"]
        handles["truth"] = _truth(ax, ds, its, _same(ds, channel, "truth"), t)
    return handles


def _truth(ax: Axes, ds: xr.Dataset, run: Any, channel: Channel, t: np.ndarray) -> Any:
    """The record within the span of the forecast."""
    instants = data.instants(ds, run)
    slack = 1e-6 * max(float(t[-1] - t[0]), 1e-300)
    inside = (instants >= t[0] - slack) & (instants <= t[-1] + slack)
    if not inside.any():
        raise ArgumentError(
            f"truth: expected samples between t = {t[0]:g} and {t[-1]:g}, where the forecast is, got run "
            f"{run!r} from {instants[0]:g} to {instants[-1]:g}; pass the record the context was cut from."
        )
    y = np.where(inside, data.values(ds, run, "output", channel), np.nan)[inside]
    draw.rug(ax, instants[inside][np.isnan(y)], style.INK)
    broken = data.broken(instants[inside], y, data.rate_of(ds))
    (line,) = ax.plot(*broken, color=style.INK, zorder=3, **draw.points(instants[inside]))
    return line


def _same(ds: xr.Dataset, channel: Channel, what: str) -> Channel:
    """The output of the same name in another dataset."""
    try:
        (found,) = data.channels(ds, "output", [channel.name])
    except ArgumentError as error:
        raise ArgumentError(f"{what}: {error}") from None
    return found


def _limit(ax: Axes, forecast: xr.Dataset, run: Any, context: tuple | None, past: float | None) -> None:
    if past is not None and not past > 0:
        raise ArgumentError(f"past: expected a time > 0 in the unit of t, got {past!r}.")
    if context is None:
        return
    t, before = data.instants(forecast, run), data.instants(*context)
    now, end = float(before[-1]), float(t[-1])
    start = max(float(before[0]), now - (2 * (end - now) if past is None else past))
    ax.set_xlim(start - 0.01 * (end - start), end + 0.01 * (end - start))
