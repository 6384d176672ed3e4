"""The demo's third part: one page with everything."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dynlearn import plot
from dynlearn.cli.demo.measured import MeasuredResult
from dynlearn.cli.demo.pendulum import BOUNDS, LEARNED, TRUTH, PendulumResult
from dynlearn.cli.demo.settings import Family, Settings
from dynlearn.cli.shared import fit_page
from dynlearn.disk import put
from dynlearn.fitting import FitResult
from dynlearn.report import Report, environment

SHOWN = 3
"""Episodes of the closed loop that are drawn."""


def build(
    settings: Settings,
    series: list[MeasuredResult],
    pendulum: PendulumResult,
    seconds: Mapping[str, float],
    out: Path,
) -> Path:
    """Write report.html and settings.json to `out`; returns where the page is."""
    page = Report(
        "dynlearn demo", "Fit measured data, forecast with honest uncertainty, control with a learned model."
    )
    page.cards([card for result in series for card in _series_cards(result)] + _pendulum_cards(pendulum))
    for result in series:
        _measured(page, result)
    _pendulum(page, pendulum)
    _how(page, settings, seconds)
    text = json.dumps(dataclasses.asdict(settings), indent=2, default=dict) + "\n"
    put(out / "settings.json", text.encode())
    return page.write(out / "report.html")


def _series_cards(result: MeasuredResult) -> list[tuple]:
    name, value = result.best_family
    baseline, other = result.best_baseline
    covered = float(result.table.loc[name, "coverage90"])
    return [
        (
            f"{result.settings.series}: {_label(result)} of {name}",
            value,
            f"{baseline}, the best baseline: {other:.3g}",
        ),
        (f"{result.settings.series}: 90 % interval covers", f"{100 * covered:.0f} %", "of held-out data"),
    ]


def _pendulum_cards(result: PendulumResult) -> list[tuple]:
    learned, truth = result.returns[LEARNED].mean(), result.returns[TRUTH].mean()
    return [
        (
            "pendulum: mean return",
            f"{learned:.0f}".replace("-", "−"),
            f"true equations {truth:.0f}".replace("-", "−"),
        ),
        (
            "pendulum: one action",
            f"{result.milliseconds(LEARNED):.1f} ms",
            f"after {result.transitions} random transitions",
        ),
    ]


def _measured(page: Report, result: MeasuredResult) -> None:
    from dynlearn import datasets

    s, label = result.settings, _label(result)
    info = datasets.info(result.settings.series)
    train, valid = (f"{100 * part:.0f} %" for part in s.split)
    page.section(f"A measured series: {s.series}")
    used = "" if s.until is None else f" Its first {s.until} samples are used."
    page.text(
        f"{info.description} Source: {info.source}. Licence: {info.licence}.{used}",
        f"The first {train} were fitted to; the next {valid} chose the model and set the width of its "
        f"intervals; all numbers below are from the rest, which no model has seen. From many points of that "
        f"rest, each model looks back at {s.context} samples and forecasts the next {s.horizon}.",
    )
    page.figure(plot.trajectories(_excerpt(result)), f"The beginning of the held-out part of {s.series}.")
    page.table(result.table, fit_page.caption_of(result.scores), best=fit_page.best_of(result.scores))
    page.text(
        "CRPS and the energy score judge the whole forecast distribution, in the unit of the output and in "
        "standard deviations; smaller is better. Coverage is the share of the truth inside the interval: 0.5 "
        "and 0.9 are ideal. Persistence repeats the last value, context tiling repeats the context, ARX is a "
        "linear model fitted to the same data."
    )
    page.figure(plot.scores(result.scores, result.score), f"{label} by how far ahead the forecast looks.")
    for name, forecast in result.forecasts.items():
        page.figure(
            plot.forecast_fan(forecast, truth=result.truth, context=result.context),
            f"{name}: the forecast after the first {s.context} held-out samples, unselected.",
        )
    for name, fit in result.fits.items():
        _fitted(page, name, fit)


def _fitted(page: Report, name: str, fit: FitResult) -> None:
    """How a fit went, and the spectrum of a model that has one."""
    if "loss" in fit.history["output_name"]:
        page.figure(plot.history(fit), f"{name}: {fit.seconds:.0f} s. {fit.reason}")
    if callable(getattr(fit.model, "eigenvalues", None)):
        caption = f"{name}: the eigenvalues of its linear dynamics; what lasts is near the circle."
        page.figure(plot.eigenvalues(fit.model), caption)


def _label(result: MeasuredResult) -> str:
    return {"crps": "CRPS"}.get(result.score, f"{result.score} score")


def _excerpt(result: MeasuredResult) -> Any:
    return result.test.isel(time=slice(None, 10 * result.settings.horizon))


def _pendulum(page: Report, result: PendulumResult) -> None:
    s = result.settings
    page.section("A pendulum, learned and swung up")
    page.text(
        f"{result.transitions} transitions of Gymnasium's Pendulum-v1 under random torques, in {s.episodes} "
        f"episodes. {s.members} models of {s.family.model} were trained on them at once. At every instant a "
        f"planner (the cross-entropy method) tries {s.planner['samples']} sequences of torques over "
        f"{s.horizon} steps, {s.planner['iterations']} times, and judges them by the mean of the costs that "
        f"the members predict; the first torque is applied, then it plans again. The torque is too weak to "
        f"lift the pendulum at once: it has to be swung.",
        f"The same planner over the true equations is the ceiling. {s.evaluations} episodes each, from the "
        f"same starts, none of them in the data.",
    )
    page.table(
        result.table,
        "Return per episode; 0 would be upright and still all the time.",
        best={"mean return": "max"},
    )
    page.figure(
        plot.returns(result.returns, target=s.target),
        "Every episode as a dot. Spread comes from the starts: upright is easy, hanging is not.",
    )
    runs = result.runs[LEARNED]
    page.figure(
        plot.closed_loop(
            runs,
            bounds=BOUNDS,
            targets={"cos_angle": 1.0, "rate": 0.0},
            episodes=runs["trajectory"].values[:SHOWN].tolist(),
        ),
        f"The first {min(SHOWN, len(runs.trajectory))} episodes with the learned model; cos = 1 is upright.",
    )
    page.figure(
        plot.plan(result.plan, bounds=BOUNDS),
        "What the planner intended at the start of the hardest episode.",
    )
    page.figure(
        plot.phase({"random torques": result.data, "learned model, planned": runs}, "sin_angle", "rate"),
        "Where the data were, and where the controller went.",
    )
    page.figure(
        plot.simulation(result.simulation),
        "The hardest episode, foretold from its first sample and its torques alone by a model that was fitted "
        "to random torques only.",
    )
    page.figure(
        plot.history(result.fit), f"The fit of the ensemble: {result.fit.seconds:.0f} s. {result.fit.reason}"
    )


def _how(page: Report, settings: Settings, seconds: Mapping[str, float]) -> None:
    page.section("How it was made")
    page.text("The same with your own data, from the command line:")
    page.code("\n".join(_commands(settings)))
    page.table(
        [{"stage": name, "seconds": value} for name, value in seconds.items()],
        f"{sum(seconds.values()):.0f} seconds, by stage.",
        digits=3,
    )
    for measured in settings.measured:
        page.keyvalues({f"{measured.series}, {k}": v for k, v in _flat(measured, "series")})
    page.keyvalues(
        {f"pendulum, {k}": v for k, v in _flat(settings.pendulum)}
        | {"seed of everything else (key)": settings.key}
    )
    page.keyvalues(environment())


def _commands(settings: Settings) -> list[str]:
    """The command lines that repeat the fits."""
    found = []
    for measured in settings.measured:
        for family in measured.families:
            parts = [f"dynlearn fit {measured.series} -o {family.model}.dyn --model {family.model}"]
            parts += [f"--set {k}={v}" for k, v in family.settings.items()] + [
                f"--method-set {k}={v}" for k, v in family.method.items()
            ]
            parts += [f"--until {measured.until}"] if measured.until is not None else []
            parts += [f"--context {measured.context} --horizon {measured.horizon}"]
            found.append(" \\\n    ".join(parts))
        files = " ".join(f"{family.model}.dyn" for family in measured.families)
        found.append(f"dynlearn compare {files} yours.csv --time t --outputs y")
    return found


def _flat(settings: Any, *without: str) -> list[tuple[str, Any]]:
    """Fields by name, families as the settings they stand for."""
    rows: list[tuple[str, Any]] = []
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if field.name in without or value is None:
            continue
        for item in (
            value if isinstance(value, tuple) and value and isinstance(value[0], Family) else (value,)
        ):
            if isinstance(item, Family):
                rows.append(
                    (item.model, ", ".join(f"{k}={v}" for k, v in {**item.settings, **item.method}.items()))
                )
            elif isinstance(item, Mapping):
                rows.append((field.name, ", ".join(f"{k}={v}" for k, v in item.items())))
            else:
                rows.append(
                    (
                        field.name.replace("_", " "),
                        ", ".join(map(str, item)) if isinstance(item, tuple) else item,
                    )
                )
    return rows
