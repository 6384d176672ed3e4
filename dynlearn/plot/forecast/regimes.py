"""regimes: what was measured, and which regime of a switching model held when."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynlearn.errors import ArgumentError
from dynlearn.plot.shared import data, draw, labels, style
from dynlearn.trajectories import schema

MADE_BY = "dl.filter or dl.smooth of a SwitchingLinear"


@style.styled
def regimes(ds: xr.Dataset, run: Any = None, outputs: Any = None) -> Figure:
    """Outputs of one run over the colours of its regimes, and below them the probability of each regime.

    A change of colour stands half-way between two samples. The probabilities are stacked and fill the
    panel: where one colour fills it, the regime is certain.

    Args:
        ds: what `dl.filter` or `dl.smooth` gives of a switching model: the coordinate `regime`
            (trajectory, time), a name each, and `regime_probability` (trajectory, time, regime_name).
        run: a run id; default the first.
        outputs: names of the outputs to show; default all.

    Returns:
        A matplotlib figure with one panel per output, and one for the probabilities.

    Raises:
        ArgumentError: a dataset without regimes; an unknown run or output.

    >>> import numpy as np, dynlearn as dl
    >>> ds = dl.from_arrays(np.sin(np.arange(4.0)), dt=0.1, output_names=["angle"])
    >>> p = np.array([[[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8]]])
    >>> ds = ds.assign_coords(regime_name=["calm", "wild"])
    >>> ds["regime_probability"] = (("trajectory", "time", "regime_name"), p)
    >>> ds = ds.assign_coords(regime=(("trajectory", "time"), [["calm", "calm", "wild", "wild"]]))
    >>> [ax.get_ylabel() for ax in regimes(ds).axes]
    ['angle', 'regime']
    """
    names = _checked(ds)
    shown = data.one_run(ds, run)
    panels = data.channels(ds, "output", outputs)
    ratios = [1.0] * len(panels) + [0.5]
    figure, axes = style.canvas(len(ratios), height=0.6 + 1.35 * sum(ratios), ratios=ratios, sharex=True)
    t = data.instants(ds, shown)
    held = ds["regime"].transpose("trajectory", "time").values[schema.run_ids(ds).index(shown), : t.size]
    colors = {name: style.color_of(i) for i, name in enumerate(names)}
    for ax, channel in zip(axes[:, 0], panels, strict=False):
        _spans(ax, t, held, colors)
        draw.series(ax, ds, shown, channel, color=style.INK, lw=1.0)
        style.above(ax, channel.label)
    handles = _stacked(axes[-1, 0], ds, shown, t, colors)
    axes[-1, 0].set_xlabel(data.time_label(ds))
    labels.legend(figure, handles, list(names))
    return figure


def _checked(ds: Any) -> tuple[str, ...]:
    """The names of the regimes, after checking that they are there."""
    plain = ds.drop_dims("regime_name") if isinstance(ds, xr.Dataset) and "regime_name" in ds.dims else ds
    data.checked(plain, "ds", made_by=MADE_BY)
    for name in ("regime", "regime_probability"):
        if name not in ds.variables:
            raise ArgumentError(
                f"ds: expected a dataset with {name!r}, got {sorted(map(str, ds.variables))}; pass what {MADE_BY} "
                f"returns."
            )
    names = tuple(str(name) for name in ds["regime_name"].values)
    inside = np.isfinite(schema.times_2d(ds))
    strangers = set(map(str, ds["regime"].transpose("trajectory", "time").values[inside])) - set(names)
    if strangers:
        raise ArgumentError(f"regime: expected names among {list(names)}, got {sorted(strangers)}.")
    return names


def _spans(ax: Axes, t: np.ndarray, held: np.ndarray, colors: dict[str, str]) -> None:
    """One span per stretch of samples in the same regime."""
    names = np.array([str(name) for name in held])
    first = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]]))
    middle = np.concatenate([t[:1], (t[:-1] + t[1:]) / 2, t[-1:]])
    for begin, end in zip(first, [*first[1:], t.size], strict=True):
        name = names[begin]
        ax.axvspan(middle[begin], middle[end], color=colors[name], alpha=0.18, lw=0, gid=f"regime {name}")


def _stacked(ax: Axes, ds: xr.Dataset, run: Any, t: np.ndarray, colors: dict[str, str]) -> list:
    found = ds["regime_probability"].transpose("trajectory", "time", "regime_name")
    p = found.values[schema.run_ids(ds).index(run), : t.size]
    top, handles = np.cumsum(p, axis=1), []
    for j, (name, color) in enumerate(colors.items()):
        handles.append(draw.band(ax, t, top[:, j] - p[:, j], top[:, j], color, 0.55, f"probability {name}"))
        handles[-1].set_gid(f"probability {name}")
    ax.set_ylim(0, 1)
    ax.grid(False)
    style.above(ax, "regime")
    return handles
