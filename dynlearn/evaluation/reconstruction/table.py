"""A table for people out of a dataset of reconstruction scores."""

import numpy as np
import pandas as pd
import xarray as xr

from dynlearn.evaluation.reconstruction.rows import BESIDE


def is_reconstruction(scores: object) -> bool:
    """Whether it is what `reconstruction_scores` returns."""
    return isinstance(scores, xr.Dataset) and {"metric", "model", "start"} <= set(scores.dims)


def frame_of(scores: xr.Dataset) -> pd.DataFrame:
    """A row per model; of every metric the median and the quartiles over starts and seeds."""
    columns = {}
    for metric in scores["metric"].values.tolist():
        for name, part in ((metric, "median"), (f"{metric} 25 %", "lower"), (f"{metric} 75 %", "upper")):
            columns[name] = scores[part].sel(metric=metric).values
    return pd.DataFrame(columns, index=scores["model"].values.tolist())


def table_of(scores: xr.Dataset):
    """As a `rich.table.Table`: medians with their quartiles, the best model per metric in bold."""
    from rich.markup import escape
    from rich.text import Text

    from dynlearn.wide_table import WideTable

    models = [str(name) for name in scores["model"].values]
    best = {
        metric: _best(scores, metric, [name for name in models if name != "data"])
        for metric in scores["metric"].values.tolist()
    }
    table = WideTable(caption=Text(_caption(scores), "table.caption"))
    table.add_column("model")
    for metric in best:
        table.add_column(escape(str(metric)), justify="right")
    for name in models:
        cells = []
        for metric, winner in best.items():
            middle, low, high = (
                float(scores[part].sel(model=name, metric=metric)) for part in ("median", "lower", "upper")
            )
            text = f"{middle:.3g} ({low:.3g}, {high:.3g})"
            cells.append(f"[bold]{text}[/]" if winner == name else text)
        table.add_row(escape(name), *cells)
    return table


def _best(scores: xr.Dataset, metric: str, models: list[str]) -> str | None:
    found = scores["median"].sel(metric=metric, model=models).values
    if np.isnan(found).all():
        return None
    largest = str(scores["best"].sel(metric=metric).values) == "largest"
    return models[int(np.nanargmax(found) if largest else np.nanargmin(found))]


def _caption(scores: xr.Dataset) -> str:
    a = scores.attrs
    lines = [
        f"median (quartiles) over {a['starts']} starts and their seeds; {a['length']} samples of a free run after "
        f"{a['discard']}; context tiling repeats {a['context']}; data: windows of {a['data']}"
    ]
    for invariant in scores["invariant"].values.tolist():
        values = scores["value"].sel(invariant=invariant).median(["seed", "start"])
        each = ", ".join(f"{name} {float(values.sel(model=name)):.3g}" for name in _shown(scores))
        recorded = float(scores["recorded_value"].sel(invariant=invariant))
        lines.append(f"{invariant}: test set {recorded:.3g}; {each}")
    for name, count, runs in zip(
        scores["model"].values, scores["diverged"].values, scores["runs"].values, strict=True
    ):
        if count:
            lines.append(f"{name}: {count} of {runs} free runs diverged and are scored as the worst")
    for kind in ("missing", "unscored", "extrapolates"):
        lines += [f"{key}: {a[key]}" for key in a if str(key).startswith(f"{kind} ")]
    if "left_out" in a:
        lines.append(f"left out, because they never change in the test set: {a['left_out']}")
    if "never_measured" in a:
        lines.append(f"left out, because they were never measured in the test set: {a['never_measured']}")
    return "\n".join(lines)


def _shown(scores: xr.Dataset) -> list[str]:
    return [str(name) for name in scores["model"].values if name not in BESIDE[1:]]
