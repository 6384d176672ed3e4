"""plan: what a controller intends to do."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from dynlearn.plot.control._bounds import bounds_of, targets_of
from dynlearn.plot.shared import data, draw, labels, style


@style.styled
def plan(decision: Any, bounds: Any = None, targets: Mapping[str, float] | None = None) -> Figure:
    """The predicted outputs and the planned controls over the horizon of one plan.

    Args:
        decision: the third value `mpc.act` returns, or its `trajectory()`.
        bounds: `(low, high)` of the controls, numbers or one per control; dotted lines.
        targets: set points by output name; dashed lines.

    Returns:
        A matplotlib figure with one panel per output and one per control.

    >>> import numpy as np, dynlearn as dl
    >>> path = dl.from_arrays(np.zeros(4), np.array([0.1, 0.2, 0.3, np.nan]), dt=0.1, units={"u0": "N"})
    >>> [ax.get_ylabel() for ax in plan(path, bounds=(-1, 1)).axes]
    ['y0', 'u0 (N)']
    """
    path = decision.trajectory() if callable(getattr(decision, "trajectory", None)) else decision
    ds = data.checked(path, "decision", made_by="mpc.act (its info)")
    outputs, controls = data.channels(ds, "output"), data.channels(ds, "control")
    limits = bounds_of(bounds, tuple(c.name for c in controls))
    points = targets_of(targets, tuple(c.name for c in outputs))
    ratios = [1.0] * len(outputs) + [0.7] * len(controls)
    figure, axes = style.canvas(
        len(ratios), width=6.0, height=0.5 + 1.35 * sum(ratios), ratios=ratios, sharex=True
    )
    run = data.one_run(ds)
    for ax, channel in zip(axes[:, 0], [*outputs, *controls], strict=True):
        output = channel.kind == "output"
        draw.series(ax, ds, run, channel, color=style.PALETTE[0 if output else 1])
        draw.bound_lines(ax, *limits.get(channel.name, (None, None)))
        if channel.name in points and output:
            draw.target_line(ax, points[channel.name])
        style.above(ax, channel.label)
    axes[-1, 0].set_xlabel(data.time_label(ds))
    sentence = getattr(decision, "reason", "")
    if sentence:
        first = str(sentence).split(".")[0]
        style.note(axes[0, 0], f"{first}, expected cost {labels.number(decision.cost)}")
    return figure
