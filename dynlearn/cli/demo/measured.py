"""The demo's first part: two families, one measured series."""

import dataclasses
from pathlib import Path
from typing import Any

import xarray as xr
from rich.console import Console

import dynlearn as dl
from dynlearn.cli.demo.settings import Family, Measured
from dynlearn.cli.demo.stages import Stages
from dynlearn.cli.shared import build, files, fit_page
from dynlearn.cli.shared.tables import score_tables
from dynlearn.fitting import FitResult


@dataclasses.dataclass(frozen=True)
class MeasuredResult:
    settings: Measured
    data: xr.Dataset
    test: xr.Dataset
    fits: dict[str, FitResult]
    scores: xr.Dataset
    context: xr.Dataset
    truth: xr.Dataset
    forecasts: dict[str, xr.Dataset]

    @property
    def best_baseline(self) -> tuple[str, float]:
        """Name and CRPS (energy score where there are several outputs) of the best baseline."""
        table = self.table.drop(index=list(self.fits))
        return str(table[self.score].idxmin()), float(table[self.score].min())

    @property
    def best_family(self) -> tuple[str, float]:
        table = self.table.loc[list(self.fits)]
        return str(table[self.score].idxmin()), float(table[self.score].min())

    @property
    def table(self) -> Any:
        return fit_page.summary_of(self.scores)

    @property
    def score(self) -> str:
        return "crps" if "crps" in self.table.columns else "energy"


def run(settings: Measured, key: int, out: Path, stages: Stages) -> MeasuredResult:
    """Load, split, fit both families, score them, forecast; files go to `out`/series."""
    folder = out / settings.series
    folder.mkdir(exist_ok=True)
    with stages(f"{settings.series}: load and split"):
        ds = dl.datasets.load(settings.series).isel(time=slice(None, settings.until))
        train, valid, test = ds.dyn.split(*settings.split)
    fits = {}
    for family in settings.families:
        with stages(f"{settings.series}: fit {family.model}", own_bar=True):
            fits[family.model] = _fit(family, train, valid, key)
        dl.save(fits[family.model].model, folder / f"{family.model}.dyn")
    with stages(f"{settings.series}: forecast held-out data, score, fit the baselines"):
        models = {name: result.model for name, result in fits.items()}
        size = {"context": settings.context, "horizon": settings.horizon}
        scores = dl.compare(
            models,
            train,
            test,
            settings.context,
            settings.horizon,
            validation=valid,
            samples=settings.samples,
            key=key,
        )
        found = {name: fit_page.first_forecast(model, test, **size) for name, model in models.items()}
        files.write_scores(scores, folder / "scores.nc")
        for name, (*_, forecast) in found.items():
            dl.write(forecast, folder / f"forecast_{name}.nc")
    context, truth, _ = next(iter(found.values()))
    return MeasuredResult(
        settings, ds, test, fits, scores, context, truth, {name: f for name, (*_, f) in found.items()}
    )


def _fit(family: Family, train: xr.Dataset, valid: xr.Dataset, key: int) -> FitResult:
    model = build.model(family.model, train, family.settings, key)
    return dl.fit(model, train, valid, build.method(None, family.method, model.method), key=key)


def show(result: MeasuredResult, console: Console) -> None:
    for table in score_tables(result.scores):
        if not isinstance(table, str):
            table.title = f"[bold]{result.settings.series}[/]: forecasts of held-out data"
        console.print(table)
