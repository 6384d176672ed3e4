"""The dataset of a reconstruction: scores, their median and spread, and one run of every row to look at."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float

from dynlearn.evaluation.reconstruction.metrics import METRICS
from dynlearn.evaluation.reconstruction.rows import Row
from dynlearn.evaluation.reconstruction.trial import Trial
from dynlearn.trajectories import schema

QUARTILES = {"lower": 0.25, "median": 0.5, "upper": 0.75}


def assembled(
    trial: Trial, rows: Mapping[str, Row], scored: Sequence[str], test: xr.Dataset, said: Mapping[str, str]
) -> xr.Dataset:
    """All scores of all rows."""
    seeds, count = max(len(row.paths) for row in rows.values()), trial.starts.row.size
    invariants = [name for name in scored if METRICS[name].invariant]
    table = np.full((2, len(scored), len(rows), seeds, count), np.nan)
    diverged = np.zeros(len(rows), int)
    for r, row in enumerate(rows.values()):
        for s in range(len(row.paths)):
            for i in range(count):
                case = trial.case(row, s, i)
                diverged[r] += case.diverged
                table[:, :, r, s, i] = np.transpose([METRICS[name].scored(case) for name in scored])
    score, value = table
    each = ("model", "seed", "start")
    found = xr.Dataset(
        {
            "score": (("metric", *each), score),
            **{
                name: (("metric", "model"), quantile(score.reshape(*score.shape[:2], -1), level))
                for name, level in QUARTILES.items()
            },
            "diverged": ("model", diverged),
            "runs": ("model", [len(row.paths) * count for row in rows.values()]),
            "value": (("invariant", *each), value[[scored.index(name) for name in invariants]]),
            "recorded_value": (
                "invariant",
                [METRICS[name].of_windows(trial.reference) for name in invariants],
            ),
        },
        _coordinates(trial, list(rows), scored, invariants, test),
    )
    found = found.assign(_runs(trial, rows, test))
    kept = {k: v for k, v in trial.settings._asdict().items() if v is not None}
    context = {"starts": count, "context": trial.starts.context}
    names = np.array(schema.names(test))
    without = {"left_out": trial.measured & ~trial.changing, "never_measured": ~trial.measured}
    left = {name: ", ".join(names[which]) for name, which in without.items() if which.any()}
    return found.assign_attrs({**context, **kept, **said, **left})


def quantile(values: Float[np.ndarray, "*rows run"], level: float) -> Float[np.ndarray, "*rows"]:
    """By linear interpolation, in which infinity is a value like any other; NaN is not there.

    >>> quantile(np.array([[1.0, 2.0, np.inf, np.inf], [1.0, 3.0, np.nan, np.nan]]), 0.5)
    array([inf,  2.])
    """
    ordered = np.sort(values, axis=-1)  # NaN last
    last = (~np.isnan(values)).sum(axis=-1) - 1
    place = level * np.maximum(last, 0)
    below = np.floor(place).astype(int)
    low, high = (
        np.take_along_axis(ordered, k[..., None], axis=-1)[..., 0]
        for k in (below, np.ceil(place).astype(int))
    )
    weight = place - below
    with np.errstate(invalid="ignore"):
        between = np.where(weight > 0, (1 - weight) * low + weight * high, low)
    return np.where(last < 0, np.nan, between)


def _coordinates(
    trial: Trial, models: list[str], scored: Sequence[str], invariants: list[str], test: xr.Dataset
) -> dict[str, object]:
    t = schema.times_2d(trial.starts.windows)[:, trial.starts.context - 1]
    ids = schema.run_ids(test)
    return {
        "metric": list(scored),
        "model": models,
        "invariant": invariants,
        "definition": ("metric", [METRICS[name].definition(trial.settings) for name in scored]),
        "best": ("metric", ["largest" if METRICS[name].largest_best else "smallest" for name in scored]),
        "references": ("metric", [", ".join(METRICS[name].references) for name in scored]),
        "run": ("start", [str(ids[i]) for i in trial.starts.row]),
        "instant": ("start", t, test["t"].attrs),
    }


def _runs(trial: Trial, rows: Mapping[str, Row], test: xr.Dataset) -> dict[str, xr.DataArray]:
    """The scored part of the first seed's free runs from the first start, and what was recorded meanwhile."""
    names = [name for name, there in zip(schema.names(test), trial.changing, strict=True) if there]
    units = [unit for unit, there in zip(schema.units(test), trial.changing, strict=True) if there]
    after = slice(trial.settings.discard, None)
    coords = {"output_name": names, "output_unit": ("output_name", units)}
    runs = np.stack([row.paths[0][0][after][:, trial.changing] for row in rows.values()])
    recorded = trial.starts.recorded[0][after][:, trial.changing]
    return {
        "free_run": xr.DataArray(runs, coords, ("model", "time", "output_name")),
        "recorded": xr.DataArray(recorded, coords, ("time", "output_name")),
        "elapsed": xr.DataArray(trial.starts.elapsed[0][after], dims="time"),
    }
