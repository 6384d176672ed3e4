"""reconstruction: attractors side by side, spectra over each other, and the scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynlearn.errors import ArgumentError, check_known
from dynlearn.plot.shared import style
from dynlearn.plot.shared.data import as_list

COLUMNS = 4
SHOWN = {"prediction_error": "prediction error", "valid_time": "valid time", "lyapunov": "Lyapunov exponent"}
GREYS = {"persistence": "#8A9099", "context tiling": "#A7ACB4"}


@style.styled
def reconstruction(scores: xr.Dataset, models: Any = None, metrics: Any = None, plane: Any = None) -> Figure:
    """What `dl.evaluation.reconstruction_scores` found: attractors, power spectra, and a panel of bars per metric.

    The attractors are the free runs from the first start, over two of the outputs (of one output, over itself
    `delay` samples later), on the axes of the recorded one; spectra are of the same runs. A bar is the median over
    starts and seeds, its whisker reaches from quartile to quartile; the floor of the data is a dotted line.

    Args:
        scores: what `dl.evaluation.reconstruction_scores` returns.
        models: names of those whose attractors and spectra are shown beside the recorded ones; default all but
            the rows data and persistence.
        metrics: names of those whose bars are shown; default all.
        plane: names of the two outputs of the attractors; default the first and the last.

    Returns:
        A matplotlib figure.

    Raises:
        ArgumentError: other scores; an unknown model, metric or output.

    >>> import dynlearn as dl
    >>> train, test = dl.datasets.load("lorenz63", runs=2, length=300, key=0).dyn.split(0.5, by="trajectory")
    >>> model = dl.fit(dl.models.Persistence.from_data(train), train, progress=False).model
    >>> options = {"train": train, "starts": 2, "metrics": ["D_stsp"]}
    >>> found = dl.evaluation.reconstruction_scores({"mine": model}, test, **options)
    >>> [ax.get_title(loc="left") for ax in reconstruction(found).axes[:3]]
    ['recorded', 'mine', 'context tiling']
    """
    found = _checked(scores)
    names = [str(name) for name in found["model"].values]
    shown = [n for n in names if n not in ("data", "persistence")] if models is None else as_list(models)
    check_known("model", shown, names)
    wanted = found["metric"].values.tolist() if metrics is None else as_list(metrics)
    check_known("metric", wanted, found["metric"].values.tolist())
    outputs = [str(name) for name in found["output_name"].values]
    across, up = (outputs[0], outputs[-1]) if plane is None else _two(plane)
    check_known("output", [across, up], outputs)
    rows = [-(-count // COLUMNS) for count in (1 + len(shown), len(outputs), len(wanted))]
    heights = [1.75, 1.6, 0.75 + 0.16 * len(names)]
    ratios = [height for height, count in zip(heights, rows, strict=True) for _ in range(count)]
    figure, axes = style.canvas(sum(rows), COLUMNS, height=sum(ratios), ratios=ratios)
    attractors, spectra, bars = np.split(axes.ravel(), np.cumsum(rows)[:2] * COLUMNS)
    _attractors(attractors, found, shown, across, up)
    _spectra(spectra, found, shown, outputs)
    for i, (ax, metric) in enumerate(zip(bars, wanted, strict=False)):
        _bars(ax, found, metric, names, named=i % COLUMNS == 0)
    for part, count in ((attractors, 1 + len(shown)), (spectra, len(outputs)), (bars, len(wanted))):
        for ax in part[count:]:
            ax.remove()
    return figure


def _checked(scores: Any) -> xr.Dataset:
    if not isinstance(scores, xr.Dataset) or not {"metric", "model", "start"} <= set(scores.dims):
        raise ArgumentError(
            f"scores: expected what dl.evaluation.reconstruction_scores returns, got {type(scores).__name__}."
        )
    return scores


def _two(plane: Any) -> Sequence[str]:
    pair = as_list(plane)
    if len(pair) != 2:
        raise ArgumentError(f"plane: expected the names of two outputs, got {plane!r}.")
    return pair


def _color(models: list[str], name: str) -> str:
    if name in ("data", "recorded"):
        return style.INK
    own = [m for m in models if m != "data" and m not in GREYS]
    return GREYS[name] if name in GREYS else style.color_of(own.index(name))


def _attractors(axes: np.ndarray, found: xr.Dataset, shown: list[str], across: str, up: str) -> None:
    names = [str(name) for name in found["model"].values]
    delay = max(int(found.attrs["delay"]), 1)

    def plane(run: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
        x, y = (run.sel(output_name=name).values for name in (across, up))
        return (x[:-delay], y[delay:]) if across == up else (x, y)

    runs = {"recorded": found["recorded"]} | {name: found["free_run"].sel(model=name) for name in shown}
    for ax, (name, run) in zip(axes, runs.items(), strict=False):
        ax.plot(
            *plane(run), color=_color(names, name), lw=0.35, alpha=0.8, rasterized=run.sizes["time"] > 2000
        )
        ax.set_title(name, loc="left")
        ax.grid(False)
        ax.set_xlabel(across)
    axes[0].set_ylabel(f"{up}, {delay} samples later" if across == up else up)
    for ax in axes[1 : len(runs)]:  # what leaves the data's axes is not drawn
        ax.set(xlim=axes[0].get_xlim(), ylim=axes[0].get_ylim())


def _spectra(axes: np.ndarray, found: xr.Dataset, shown: list[str], outputs: list[str]) -> None:
    from dynlearn.evaluation.reconstruction import power_spectrum

    names = [str(name) for name in found["model"].values]
    runs = {name: found["free_run"].sel(model=name) for name in shown} | {"recorded": found["recorded"]}
    interval = float(found.attrs.get("interval", 1.0))
    for ax, output in zip(axes, outputs, strict=False):
        for name, run in runs.items():
            y = run.sel(output_name=output).values
            if np.isfinite(y).all() and np.ptp(y) > 0:
                power = power_spectrum(y, float(found.attrs["smoothing"]))[:, 0]
                frequency = np.arange(power.size) / (len(y) * interval)
                ax.plot(frequency[1:], power[1:], color=_color(names, name), lw=1.0, label=name)
        if ax.lines:
            ax.set(xscale="log", yscale="log")
        ax.set_xlabel("frequency" if "interval" in found.attrs else "frequency (per sample)")
        style.above(ax, f"power of {output}")


def _bars(ax: Axes, found: xr.Dataset, metric: str, names: list[str], *, named: bool) -> None:
    own = [name for name in names if name != "data"]
    parts = [found[part].sel(metric=metric, model=own).values for part in ("lower", "median", "upper")]
    low, middle, high = (np.where(np.isfinite(part), part, np.nan) for part in parts)
    place = np.arange(len(own))
    ax.barh(place, np.nan_to_num(middle), height=0.62, color=[_color(names, name) for name in own])
    whisker = np.nan_to_num(np.stack([middle - low, high - middle])).clip(0)
    ax.errorbar(np.nan_to_num(middle), place, xerr=whisker, fmt="none", ecolor=style.INK, elinewidth=0.7)
    for y in place[~np.isfinite(parts[1])]:
        ax.annotate("not finite", (0, y), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7)
    if "data" in names:
        floor = float(found["median"].sel(metric=metric, model="data"))
        if np.isfinite(floor):
            ax.axvline(floor, color=style.INK, lw=0.8, ls=(0, (1, 2)), gid="floor")
    ax.set_yticks(place, own if named else [""] * len(own))
    ax.tick_params(axis="y", length=0)
    ax.grid(False)
    ax.set_xlim(left=0)
    ax.invert_yaxis()
    most = str(found["best"].sel(metric=metric).values) == "largest"
    ax.set_title(SHOWN.get(metric, metric) + " ↑" * most, loc="left")
