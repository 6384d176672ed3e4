"""history: how a fit went."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynlearn.errors import ArgumentError
from dynlearn.plot import _data, _labels, _style

FIRST = ("loss", "validation")


@_style.styled
def history(result: Any) -> Figure:
    """Loss and validation score over the steps of a fit; other logged quantities below.

    An axis is logarithmic where all its values are positive. The dot marks the best validation score.

    Args:
        result: what `dl.fit` returns, or its `history`.

    >>> import numpy as np, dynlearn as dl
    >>> logged = dl.from_arrays(np.exp(-np.arange(9.0)), times=np.arange(9.0), output_names=["loss"], units={"t": "step"})
    >>> figure = history(logged)
    >>> figure.axes[0].get_yscale(), figure.axes[0].get_xlabel()
    ('log', 'step')
    """
    ds = _data.checked(getattr(result, "history", result), "result", "output", made_by="dl.fit")
    series = {c.name: _data.values(ds, _data.one_run(ds), "output", c) for c in _data.channels(ds)}
    series = {name: y for name, y in series.items() if np.isfinite(y).any()}
    if not series:
        raise ArgumentError(
            "result: expected logged numbers, got a history with none (a model with nothing to fit)."
        )
    step = _data.instants(ds, _data.one_run(ds))
    main = {name: series.pop(name) for name in FIRST if name in series}
    panels = [main] * bool(main) + [{name: y} for name, y in series.items()]
    ratios = [1.0 if panel is main else 0.5 for panel in panels]
    figure, axes = _style.canvas(
        len(panels), height=0.6 + 1.9 * sum(ratios), width=6.4, ratios=ratios, sharex=True
    )
    for ax, panel in zip(axes[:, 0], panels, strict=True):
        _panel(ax, step, panel)
    axes[-1, 0].set_xlabel(str(ds["t"].attrs.get("units", "")) or "step")
    return figure


def _panel(ax: Axes, step: np.ndarray, panel: dict[str, np.ndarray]) -> None:
    known = np.concatenate([y[np.isfinite(y)] for y in panel.values()])
    if (known > 0).all():
        ax.set_yscale("log")
    colors = {"loss": _style.PALETTE[0], "validation": _style.PALETTE[1]}
    ends = []
    for name, y in panel.items():
        color = colors.get(name, _style.GREY)
        there = np.isfinite(y)
        ax.plot(step, y, color=color, label=name, marker="o" if there.sum() < 25 else "", ms=2.5, mew=0)
        ends.append((step[there][-1], y[there][-1], name, color))
        if name == "validation":
            best = int(np.nanargmin(y))
            ax.plot(step[best], y[best], "o", ms=5.5, mfc="white", mec=color, mew=1.3, gid="best")
            at = f"best {y[best]:.3g} at {step[best]:g}"
            ax.set_title(at, loc="right", fontsize=7.5, fontweight="normal", color=_style.GREY)
    _style.above(ax, " and ".join(panel))
    if len(panel) > 1:
        _labels.at_ends(ax, ends)
