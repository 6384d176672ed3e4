"""evaluate and compare: forecasts from rolling origins, scored beside the baselines."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from jaxtyping import Array, Key

from dynlearn.contract.foreign import Foreign, as_model
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, DivergedError
from dynlearn.evaluation._yardsticks import naive_step, spread, unscored
from dynlearn.evaluation.baselines import NAMES, Baselines, fit_baselines
from dynlearn.evaluation.origins import Origins
from dynlearn.evaluation.scores import DEFINITIONS, SCORES, Forecasts
from dynlearn.forecasting import forecast
from dynlearn.trajectories.once import one_call


@one_call
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
    baselines: Baselines | None = None,
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
        stride: samples from one origin to the next; the horizon unless given.
        key: an int or a JAX key; the same key gives the same scores.
        baselines: of `dl.evaluation.fit_baselines`, in place of those that `train` and `validation` give.

    Returns:
        A dataset over `model`, `lead` (steps) and `output_name` with the scores of
        `dl.evaluation.DEFINITIONS`; `dl.evaluation.summary` condenses it to a table.

    Raises:
        ArgumentError: names, units or sampling that do not fit; runs too short for `context + horizon` samples;
            a context shorter than the model needs.

    References: Gneiting, Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 2007; Hyndman,
    Koehler, "Another look at measures of forecast accuracy", Int. J. Forecasting 2006 (mase).

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=4, length=60, key=0)
    >>> model = dl.fit(dl.models.ARX.from_data(ds, delays=1), ds, progress=False).model
    >>> found = dl.evaluate(model, ds, context=20, horizon=10, samples=20)
    >>> found["model"].values.tolist()
    ['ARX model', 'persistence', 'context tiling', 'ARX']
    """
    name = type(model).__name__
    name = f"{name} model" if name in NAMES else name
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
        baselines=baselines,
    )


@one_call
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
    baselines: Baselines | None = None,
) -> xr.Dataset:
    """`evaluate` for several fitted models at once, on exactly the same windows.

    A window in which one of the models cannot infer a state, or after which nothing was measured, is
    left out for all of them; the attribute `windows_left_out` counts those. The baselines are fitted
    to `train`; one that cannot start from some of the windows is scored on the others, and the
    coordinate `windows` counts for every row what it rests on. A model whose forecasts diverge scores
    infinity, and an attribute `diverged NAME` says where; a score that is NaN is explained by an
    attribute `unscored OUTPUT`.

    Args:
        models: fitted models by the names that the result shows.
        train: what the baselines are fitted to; None: `test` itself, which favours them.
        test: held-out trajectories.
        context, horizon: samples seen, samples forecast, from every origin.
        validation: what the baselines' error law is estimated on (default: as `train`).
        samples: Monte Carlo draws per forecast.
        stride: samples from one origin to the next; the horizon unless given.
        key: an int or a JAX key; the same key gives the same scores.
        baselines: of `dl.evaluation.fit_baselines`, in place of those that `train` and `validation` give.

    Returns:
        As `evaluate`: a dataset over `model` (yours in their order, then the baselines), `lead` and
        `output_name`, with one variable per score.

    Raises:
        ArgumentError: no models, or a name of a baseline; names, units or sampling that do not fit; runs too
            short for `context + horizon` samples.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=4, length=60, key=0)
    >>> family = {"one delay": dl.models.ARX.from_data(ds, delays=1), "last value": dl.models.Persistence.from_data(ds)}
    >>> models = {name: dl.fit(model, ds, progress=False).model for name, model in family.items()}
    >>> found = dl.compare(models, ds, ds, context=20, horizon=10, samples=20)
    >>> found["model"].values.tolist()
    ['one delay', 'last value', 'persistence', 'context tiling', 'ARX']
    >>> rmse = found["rmse"].mean(["lead", "output_name"])
    >>> bool(rmse.sel(model="one delay") < rmse.sel(model="last value"))
    True
    """
    models = _checked(models)
    reference = test if train is None else train
    origins = Origins.of(test, context, horizon, stride).common(models)
    beside, on = _beside(baselines, train, test, validation, context)
    missing = dict(beside.missing)
    rows = {name: (model, origins) for name, model in models.items()}
    for name, model in beside.models.items():
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
        "baselines_fitted_on": on,
        **{f"missing {name}": why for name, why in missing.items()},
        **diverged,
        **unscored(origins, scale, naive),
    }
    counts = [mine.count for _, mine in rows.values()]
    return found.assign_coords(windows=("model", counts)).assign_attrs(attributes)


def _beside(
    given: Baselines | None,
    train: xr.Dataset | None,
    test: xr.Dataset,
    validation: xr.Dataset | None,
    context: int,
) -> tuple[Baselines, str]:
    """The baselines, and what they were fitted to."""
    if given is None:
        if train is None:
            return fit_baselines(test, None, context), "test"
        return fit_baselines(train, validation, context), "train"
    if not isinstance(given, Baselines):
        raise ArgumentError(
            f"baselines: expected what dl.evaluation.fit_baselines(train) returns, got {type(given).__name__}."
        )
    if given.context != context:
        raise ArgumentError(
            f"baselines: these look back {given.context} samples, the context has {context}; fit them with "
            f"dl.evaluation.fit_baselines(train, context={context})."
        )
    for model in given.models.values():
        model.signature.check(test)
    return given, "data of their own"


def _checked(models: Mapping[str, AbstractModel | Foreign]) -> dict[str, AbstractModel]:
    if not isinstance(models, Mapping) or not models:
        raise ArgumentError(f"models: expected a mapping from names to fitted models, got {models!r:.100}.")
    found = {name: as_model(model) for name, model in models.items()}
    for name, model in found.items():
        if name in NAMES:
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
    forecasts = Forecasts(y, mean, draws, scale, naive)
    return _table({name: score.of(forecasts) for name, score in SCORES.items()}, model)


def _infinite(model, origins: Origins) -> xr.Dataset:
    """The scores of a model whose forecasts diverge: errors without bound, no interval to speak of."""
    leads, outputs = origins.truth.shape[1:]
    found = {
        name: np.full(leads if score.together else (leads, outputs), score.diverged)
        for name, score in SCORES.items()
    }
    return _table(found, model)


def _table(found: dict[str, np.ndarray], model: AbstractModel) -> xr.Dataset:
    dims = ("lead", "output_name")
    variables = {
        name: (dims[: values.ndim], values, {"definition": DEFINITIONS[name]})
        for name, values in found.items()
    }
    leads = np.arange(1, found["energy"].size + 1)
    ds = xr.Dataset(variables, {"lead": leads, "output_name": list(model.signature.output_names)})
    units = list(model.signature.output_units)
    return ds.assign_coords(output_unit=("output_name", units)) if units else ds
