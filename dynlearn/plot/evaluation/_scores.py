"""What the score figures share: which scores there are, their names and units, the look of each model."""

from typing import Any

import xarray as xr

from dynlearn.errors import ArgumentError, check_known
from dynlearn.plot.shared import style
from dynlearn.plot.shared.data import as_list
from dynlearn.plot.shared.labels import with_unit

SHOWN = {
    "rmse": "RMSE",
    "nrmse": "NRMSE",
    "mase": "MASE",
    "crps": "CRPS",
    "energy": "energy score",
    "coverage50": "coverage of the 50 % interval",
    "coverage90": "coverage of the 90 % interval",
}
NOMINAL = {"coverage50": 0.5, "coverage90": 0.9}
WITH_UNIT = ("rmse", "crps")
BASELINE = (
    {"color": "#8A9099", "ls": (0, (4, 2))},
    {"color": "#A7ACB4", "ls": (0, (1, 1.5))},
    {"color": "#5E646D", "ls": (0, (6, 1.5, 1, 1.5))},
)


def checked(scores: Any, score: str) -> xr.Dataset:
    """What `dl.evaluate` returned, with the score asked for."""
    if not isinstance(scores, xr.Dataset) or "model" not in scores.dims or "lead" not in scores.dims:
        raise ArgumentError(
            f"scores: expected what dl.evaluate or dl.compare returns, got {type(scores).__name__}"
            + (f" with dimensions {list(map(str, scores.dims))}." if isinstance(scores, xr.Dataset) else ".")
        )
    check_known("score", [score], list(map(str, scores.data_vars)))
    return scores


def outputs_of(scores: xr.Dataset, score: str, outputs: Any) -> list[str | None]:
    """The outputs to show; [None] for a score over all outputs jointly."""
    names = [str(name) for name in scores["output_name"].values]
    wanted = names if outputs is None else as_list(outputs)
    check_known("output", wanted, names)
    return [*wanted] if "output_name" in scores[score].dims else [None]


def label(scores: xr.Dataset, score: str, output: str | None) -> str:
    """The score as its axis names it, with the unit where it has one."""
    name = SHOWN.get(score, score)
    unit = ""
    if output is not None and score in WITH_UNIT and "output_unit" in scores.coords:
        unit = str(scores["output_unit"].sel(output_name=output).values)
    return with_unit(name if output is None else f"{name} of {output}", unit)


def looks(models: list[str]) -> dict[str, dict[str, Any]]:
    """Colour and line of each model: grey and dashed for a baseline."""
    from dynlearn.evaluation.baselines import NAMES

    own = [model for model in models if model not in NAMES]
    return {
        model: {"color": style.color_of(own.index(model)), "lw": 1.6, "ls": "-", "zorder": 3}
        if model in own
        else {**BASELINE[NAMES.index(model) % len(BASELINE)], "lw": 1.1, "zorder": 2}
        for model in models
    }
