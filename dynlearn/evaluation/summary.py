"""A table for people out of a dataset of scores."""

import numpy as np
import pandas as pd
import xarray as xr

from dynlearn.errors import ArgumentError, check_known
from dynlearn.evaluation import baselines
from dynlearn.evaluation.reconstruction.table import frame_of, is_reconstruction, table_of


def summary(scores: xr.Dataset, output: str | None = None) -> pd.DataFrame:
    """One row per model, over all leads: by the mean, for rmse and nrmse by the root of the mean square.

    Scores of several outputs are averaged (nrmse, mase, coverage have no unit; rmse and crps are
    only shown for one output, by name or because there is just one). Of reconstruction scores the median
    and the quartiles over starts and seeds.

    Args:
        scores: what `dl.evaluate`, `dl.compare` or `dl.evaluation.reconstruction_scores` returns.
        output: the name of one output; None averages over all, as reconstruction scores always do.

    Returns:
        A DataFrame whose rows are the models, yours first, and whose columns are the scores.

    Raises:
        ArgumentError: other scores, or an unknown output.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=4, length=60, key=0)
    >>> model = dl.fit(dl.models.ARX.from_data(ds, delays=1), ds, progress=False).model
    >>> table = dl.evaluation.summary(dl.evaluate(model, ds, context=20, horizon=10, samples=20))
    >>> list(table.columns)
    ['nrmse', 'mase', 'energy', 'coverage50', 'coverage90']
    """
    if is_reconstruction(scores):
        _check_together(output)
        return frame_of(scores)
    if "model" not in scores.dims or "crps" not in scores:
        raise ArgumentError(
            "scores: expected what dl.evaluate, dl.compare or dl.evaluation.reconstruction_scores returns."
        )
    names = scores["output_name"].values.tolist()
    if output is not None:
        check_known("output", [output], names)
        names = [output]
    chosen = scores.sel(output_name=names)
    columns = ["rmse", "nrmse", "mase", "crps", "energy", "coverage50", "coverage90"]
    if len(names) > 1:
        columns = [c for c in columns if c not in ("rmse", "crps")]
    return pd.DataFrame({c: _condensed(chosen[c]) for c in columns}, index=scores["model"].values.tolist())


def _check_together(output: str | None) -> None:
    if output is not None:
        raise ArgumentError(
            f"output: reconstruction scores are of all outputs together, got {output!r}; leave it out, or score "
            f"models of that output alone."
        )


def _condensed(score: xr.DataArray) -> np.ndarray:
    over = [d for d in score.dims if d != "model"]
    if score.name in ("rmse", "nrmse"):
        return np.sqrt((score**2).mean(over).values)
    return score.mean(over).values


def show(scores: xr.Dataset, output: str | None = None) -> None:
    """Print the summary as a table, with what it was computed on in its caption.

    Args:
        scores: what `dl.evaluate`, `dl.compare` or `dl.evaluation.reconstruction_scores` returns.
        output: the name of one output; None averages over all.

    Raises:
        ArgumentError: other scores, or an unknown output.

    >>> import dynlearn as dl, numpy as np, xarray as xr
    >>> dims, coords = ("model", "lead", "output_name"), {"model": ["mine", "persistence"], "output_name": ["y"]}
    >>> values = {name: (dims, np.ones((2, 3, 1))) for name in dl.evaluation.DEFINITIONS}
    >>> about = {"windows": 4, "windows_left_out": 0, "context": 9, "horizon": 3, "samples": 5}
    >>> coords, about = coords | {"windows": ("model", [4, 4])}, about | {"baselines_fitted_on": "train"}
    >>> scores = xr.Dataset(values, coords, about)
    >>> show(scores)  # doctest: +ELLIPSIS
    <BLANKLINE>
    ...
    """
    from rich.console import Console

    Console().print(rich_table(scores, output))


def rich_table(scores: xr.Dataset, output: str | None = None):
    """The summary as a `rich.table.Table`, at home in a terminal of any width; the best model per score in bold.

    Args:
        scores: what `dl.evaluate`, `dl.compare` or `dl.evaluation.reconstruction_scores` returns.
        output: the name of one output; None averages over all.

    Returns:
        A table that `rich.print` shows, what it was computed on in its caption.

    Raises:
        ArgumentError: other scores, or an unknown output.

    >>> import dynlearn as dl, numpy as np, xarray as xr
    >>> dims, coords = ("model", "lead", "output_name"), {"model": ["mine", "persistence"], "output_name": ["y"]}
    >>> values = {name: (dims, np.ones((2, 3, 1))) for name in dl.evaluation.DEFINITIONS}
    >>> about = {"windows": 4, "windows_left_out": 0, "context": 9, "horizon": 3, "samples": 5}
    >>> coords, about = coords | {"windows": ("model", [4, 4])}, about | {"baselines_fitted_on": "train"}
    >>> scores = xr.Dataset(values, coords, about)
    >>> rich_table(scores).row_count
    2
    """
    from rich.markup import escape
    from rich.text import Text

    from dynlearn.wide_table import WideTable

    if is_reconstruction(scores):
        _check_together(output)
        return table_of(scores)
    frame = summary(scores, output)
    a = scores.attrs
    caption = (
        f"{a['windows']} windows of {a['context']} + {a['horizon']} samples, {a['windows_left_out']} left out; "
        f"{a['samples']} draws; baselines fitted on {a['baselines_fitted_on']}"
    )
    for name in baselines.NAMES:
        if why := a.get(f"missing {name}"):
            caption += f"\n{name} is missing: {why}"
    for name, count in zip(scores["model"].values, scores["windows"].values, strict=True):
        if count != a["windows"]:
            caption += (
                f"\n{name} can start from {count} of the {a['windows']} windows: it is scored on those alone, and not "
                f"compared"
            )
        if why := a.get(f"diverged {name}"):
            caption += f"\n{name} diverged: {why}"
    for name in scores["output_name"].values if output is None else [output]:
        if why := a.get(f"unscored {name}"):
            caption += f"\n{why}"
    table = WideTable(
        caption=Text(caption, "table.caption"), title=f"output {escape(output)}" if output else None
    )
    table.add_column("model")
    for column in frame.columns:
        table.add_column(column, justify="right")
    compared = frame[scores["windows"].values == a["windows"]]
    best = {c: _best(compared[c]) for c in frame.columns}
    for name, row in frame.iterrows():
        cells = [f"[bold]{v:.4g}[/]" if best[c] == name else f"{v:.4g}" for c, v in row.items()]
        table.add_row(escape(str(name)), *cells)
    return table


def _best(column: pd.Series) -> object:
    """The smallest score, or the coverage nearest to its nominal level."""
    nominal = {"coverage50": 0.5, "coverage90": 0.9}.get(str(column.name))
    distance = column if nominal is None else (column - nominal).abs()
    return distance.idxmin() if distance.notna().any() else None
