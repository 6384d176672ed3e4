"""evaluate and compare: forecasts from rolling origins, scored beside the baselines."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from jaxtyping import Array, Key

from dynlearn.errors import ArgumentError, DivergedError
from dynlearn.evaluation import baselines, scores
from dynlearn.evaluation._origins import Origins
from dynlearn.evaluation._yardsticks import naive_step, spread, unscored
from dynlearn.forecasting import forecast
from dynlearn.models import AbstractModel, Foreign, as_model


def evaluate(
    model: AbstractModel | Foreign,
    test: xr.Dataset,
    context: int = 50,
    horizon: int = 100,
    *,
    train: xr.Dataset | None = None,
    validation: xr.Dataset | None = None,
    samples: int = 200,
    stride: int | None = None,
    key: int | Key[Array, ""] = 0,
) -> xr.Dataset:
    """Scores of `model` on held-out runs, with persistence, context tiling and ARX beside it.

    From every origin the model sees `context` samples and forecasts the next `horizon`; origins
    are `stride` samples apart (default: the horizon, so that no sample is scored twice).

    Args:
        model: a fitted model.
        test: held-out trajectories.
        context, horizon: samples seen, samples forecast.
        train: what the baselines are fitted to. Without it they are fitted to `test` itself, which
            favours them; the result's attribute `baselines_fitted_on` says which.
        validation: what the baselines' error law is estimated on (default: as `train`).
        samples: Monte Carlo draws per forecast.

    Returns:
        A dataset over `model`, `lead` (steps) and `output_name` with the scores of
        `dl.evaluation.DEFINITIONS`; `dl.evaluation.summary` condenses it to a table.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=4, length=60, key=0)
    >>> model = dl.fit(dl.models.ARX.from_data(ds, delays=1), ds, progress=False).model
    >>> found = dl.evaluate(model, ds, context=20, horizon=10, samples=20)
    >>> found["model"].values.tolist()
    ['ARX model', 'persistence', 'context tiling', 'ARX']
    """
    name = type(model).__name__
    name = f"{name} model" if name in baselines.NAMES else name
    return compare(
        {name: model},
        train,
        test,
        context,
        horizon,
        validation=validation,
        samples=samples,
        stride=stride,
        key=key,
    )


def compare(
    models: Mapping[str, AbstractModel | Foreign],
    train: xr.Dataset | None,
    test: xr.Dataset,
    context: int = 50,
    horizon: int = 100,
    *,
    validation: xr.Dataset | None = None,
    samples: int = 200,
    stride: int | None = None,
    key: int | Key[Array, ""] = 0,
) -> xr.Dataset:
    """`evaluate` for several fitted models at once, on exactly the same windows.

    A window in which one of the models cannot infer a state, or after which nothing was measured, is
    left out for all of them; the attribute `windows_left_out` counts those. The baselines are fitted
    to `train`; one that cannot start from some of the windows is scored on the others, and the
    coordinate `windows` counts for every row what it rests on. A model whose forecasts diverge scores
    infinity, and an attribute `diverged NAME` says where; a score that is NaN is explained by an
    attribute `unscored OUTPUT`.
    """
    models = _checked(models)
    reference = test if train is None else train
    origins = Origins.of(test, context, horizon, stride).common(models)
    extra, missing = baselines.fitted(reference, validation if train is not None else None, context)
    rows = {name: (model, origins) for name, model in models.items()}
    for name, model in extra.items():
        try:
            rows[name] = model, origins.only(origins.known(name, model))
        except ArgumentError as error:
            missing[name] = str(error)
    scale = spread(origins.truth, origins.rounding)
    naive = naive_step(reference)
    tables, diverged = [], {}
    for name, (model, mine) in list(rows.items()):
        try:
            tables.append(_score(model, mine, scale, naive, samples, key))
        except DivergedError as error:
            tables.append(_infinite(model, mine))
            diverged[f"diverged {name}"] = str(error)
        except ArgumentError as error:
            if name in models:
                raise
            # A baseline may be refused what a model can do, e.g. a control that never moved in `train`.
            missing[name] = str(error)
            del rows[name]
    found = xr.concat(tables, xr.DataArray(list(rows), dims="model", name="model"))
    attributes = {
        "context": context,
        "horizon": horizon,
        "windows": origins.count,
        "windows_left_out": origins.left_out,
        "samples": samples,
        "baselines_fitted_on": "test" if train is None else "train",
        **{f"missing {name}": why for name, why in missing.items()},
        **diverged,
        **unscored(origins, scale, naive),
    }
    counts = [mine.count for _, mine in rows.values()]
    return found.assign_coords(windows=("model", counts)).assign_attrs(attributes)


def _checked(models: Mapping[str, AbstractModel | Foreign]) -> dict[str, AbstractModel]:
    if not isinstance(models, Mapping) or not models:
        raise ArgumentError(f"models: expected a mapping from names to fitted models, got {models!r:.100}.")
    found = {name: as_model(model) for name, model in models.items()}
    for name, model in found.items():
        if name in baselines.NAMES:
            raise ArgumentError(f"models: the name {name!r} is taken by a baseline; choose another.")
        if not isinstance(model, AbstractModel):
            raise ArgumentError(
                f"models: expected models, {name!r} is a {type(model).__name__}; pass result.model."
            )
    return found


def _score(model, origins: Origins, scale: np.ndarray, naive: np.ndarray, samples: int, key) -> xr.Dataset:
    """All scores of one model: dims (lead, output_name)."""
    fc = forecast(
        model, origins.contexts, times=origins.times, controls=origins.controls, samples=samples, key=key
    )
    y = origins.truth
    mean = fc["output_mean"].transpose("trajectory", "time", "output_name").values
    draws = fc["output"].transpose("sample", "trajectory", "time", "output_name").values
    error = scores.rmse(y, mean)
    found = {
        "rmse": error,
        "nrmse": error / scale,
        "mase": scores.mae(y, mean) / np.where(naive > 0, naive, np.nan),
        "crps": scores.crps(y, draws),
        "energy": scores.energy(y, draws, scale),
        "coverage50": scores.coverage(y, draws, 0.5),
        "coverage90": scores.coverage(y, draws, 0.9),
    }
    return _table(found, model)


def _infinite(model, origins: Origins) -> xr.Dataset:
    """The scores of a model whose forecasts diverge: errors without bound, no interval to speak of."""
    shape = origins.truth.shape[1:]
    worst = {name: np.nan if name.startswith("coverage") else np.inf for name in scores.DEFINITIONS}
    return _table(
        {n: np.full(shape[: 1 if n == "energy" else 2], value) for n, value in worst.items()}, model
    )


def _table(found: dict[str, np.ndarray], model: AbstractModel) -> xr.Dataset:
    dims = ("lead", "output_name")
    variables = {
        name: (dims[: values.ndim], values, {"definition": scores.DEFINITIONS[name]})
        for name, values in found.items()
    }
    leads = np.arange(1, found["energy"].size + 1)
    ds = xr.Dataset(variables, {"lead": leads, "output_name": list(model.signature.output_names)})
    units = list(model.signature.output_units)
    return ds.assign_coords(output_unit=("output_name", units)) if units else ds
