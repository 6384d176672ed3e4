"""history: how a fit went."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynlearn.errors import ArgumentError
from dynlearn.plot.shared import data, labels, style

FIRST = ("loss", "validation")
SHOWN = {"gradient": "gradient norm", "rmse": "RMSE (scaled outputs)", "validation": "validation score"}


@style.styled
def history(result: Any) -> Figure:
    """Loss and validation score over the steps of a fit; other logged quantities below.

    A closed-form fit logs one validation score per ridge it tried: then the ridge is the axis. A y
    axis is logarithmic where all its values are positive. The ring marks the best validation score.

    Args:
        result: what `dl.fit` returns, or its `history`.

    Returns:
        A matplotlib figure: loss and score above, other logged quantities below.

    Raises:
        ArgumentError: a history without numbers.

    >>> import numpy as np, dynlearn as dl
    >>> loss = np.exp(-np.arange(9.0))
    >>> logged = dl.from_arrays(loss, times=np.arange(9.0), output_names=["loss"], units={"t": "step"})
    >>> figure = history(logged)
    >>> figure.axes[0].get_yscale(), figure.axes[0].get_xlabel()
    ('log', 'step')
    """
    ds = data.checked(getattr(result, "history", result), "result", "output", made_by="dl.fit")
    run = data.one_run(ds)
    series = {c.name: data.values(ds, run, "output", c) for c in data.channels(ds)}
    step, ridge = data.instants(ds, run), series.pop("ridge", None)
    series = {name: y for name, y in series.items() if np.isfinite(y).any()}
    if not series:
        raise ArgumentError(
            "result: expected a history with numbers, got one without; a model with nothing to fit, or a "
            "closed-form fit without validation data, logs none."
        )
    main = {name: series.pop(name) for name in FIRST if name in series}
    panels = [main] * bool(main) + [{name: y} for name, y in series.items()]
    ratios = [1.0 if panel is main else 0.5 for panel in panels]
    height = 0.6 + 1.9 * sum(ratios)
    figure, axes = style.canvas(len(panels), height=height, width=6.4, ratios=ratios, sharex=True)
    names = [f"{x:g}" for x in (step if ridge is None else ridge)]
    for ax, panel in zip(axes[:, 0], panels, strict=True):
        _panel(ax, step, panel, names)
    axes[-1, 0].set_xlabel(str(ds["t"].attrs.get("units", "")) or "step")
    if ridge is not None:
        axes[-1, 0].set_xlabel("ridge (penalty per sample)")
        axes[-1, 0].set_xticks(step, names)
    return figure


def _panel(ax: Axes, step: np.ndarray, panel: dict[str, np.ndarray], names: list[str]) -> None:
    colors = {"loss": style.PALETTE[0], "validation": style.PALETTE[1]}
    ends = []
    for name, y in panel.items():
        color, there = colors.get(name, style.GREY), np.isfinite(y)
        ax.plot(step, y, color=color, label=name, marker="o" if there.sum() < 25 else "", ms=2.5, mew=0)
        ends.append((float(y[there][-1]), name, color))
    if all((y[np.isfinite(y)] > 0).all() for y in panel.values()):
        style.log_axis(ax)
    style.above(ax, " and ".join(SHOWN.get(name, name) for name in panel))
    if "validation" in panel:
        _mark_best(ax, step, panel["validation"], names)
    if len(panel) > 1:
        labels.at_ends(ax, ends)


def _mark_best(ax: Axes, step: np.ndarray, y: np.ndarray, names: list[str]) -> None:
    best = int(np.nanargmin(y))
    ax.plot(step[best], y[best], "o", ms=5.5, mfc="white", mec=style.PALETTE[1], mew=1.3, gid="best")
    style.note(ax, f"best validation score {y[best]:.3g} at {names[best]}")
