"""The page of `dynlearn fit --report`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynlearn.report import Report, environment

if TYPE_CHECKING:
    import xarray as xr

    from dynlearn.fitting import FitResult

BEST: dict[str, str | float] = {
    "rmse": "min",
    "nrmse": "min",
    "mase": "min",
    "crps": "min",
    "energy": "min",
    "coverage50": 0.5,
    "coverage90": 0.9,
}


def page(
    result: "FitResult",
    ds: "xr.Dataset",
    test: "xr.Dataset",
    scores: "xr.Dataset",
    settings: Mapping[str, Any],
    name: str,
) -> Report:
    """Data, fit, scores beside the baselines, a forecast of held-out data, and all needed to repeat it."""
    from dynlearn import plot

    source = Path(settings["data"]).name
    found = Report(f"{name} fitted to {source}", "Scored on data it was not fitted to, beside the baselines.")
    found.section("Data").figure(plot.trajectories(ds), f"{source}, all of it.")
    found.section("Fit").text(f"{result.reason} It took {result.seconds:.1f} s.")
    if result.history["output"].notnull().any():
        found.figure(plot.history(result), "What the fit logged.")
    found.section("Scores on held-out data").table(
        summary_of(scores), caption_of(scores), best=best_of(scores)
    )
    found.figure(plot.scores(scores), "The score by how far ahead the forecast looks; baselines are grey.")
    found.section("A forecast").figure(
        fan(result.model, test, scores.attrs["context"], scores.attrs["horizon"]),
        "From the first held-out samples; the dark line is what happened.",
    )
    if callable(getattr(result.model, "eigenvalues", None)):
        found.section("Spectrum").figure(
            plot.eigenvalues(result.model), "Eigenvalues of the fitted linear dynamics."
        )
    found.section("How to repeat it").keyvalues(settings).keyvalues(environment())
    return found


def fan(model: Any, test: "xr.Dataset", context: int, horizon: int) -> Any:
    """The forecast after the first `context` samples of the longest held-out run."""
    from dynlearn import plot

    before, after, forecast = first_forecast(model, test, context, horizon)
    return plot.forecast_fan(forecast, truth=after, context=before)


def first_forecast(model: Any, test: "xr.Dataset", context: int, horizon: int) -> tuple:
    """(context, truth, forecast) at the first origin of the longest run: no choice that could flatter."""
    from dynlearn import forecast

    run = test["trajectory"].values[int(test.dyn.lengths.argmax())]
    whole = test.dyn.run(run)
    before, after = whole.isel(time=slice(None, context)), whole.isel(time=slice(context, context + horizon))
    controls = after.get("control")
    return before, after, forecast(model, before, times=after["t"].values, controls=controls)


def summary_of(scores: "xr.Dataset") -> Any:
    from dynlearn.evaluation import summary

    return summary(scores).rename_axis("model")


def best_of(scores: "xr.Dataset") -> dict[str, str | float]:
    return {column: rule for column, rule in BEST.items() if column in summary_of(scores).columns}


def caption_of(scores: "xr.Dataset") -> str:
    a = scores.attrs
    return (
        f"Means over {a['horizon']} steps and {a['windows']} windows; each forecast has seen {a['context']} "
        f"samples. "
        f"Baselines fitted on {a['baselines_fitted_on']}."
    )
