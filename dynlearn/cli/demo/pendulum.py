"""The demo's second part: a pendulum learned from random torques, and swung up."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from rich import box
from rich.console import Console

import dynlearn as dl
from dynlearn.cli.demo.settings import Pendulum
from dynlearn.cli.demo.stages import Stages
from dynlearn.cli.shared import build
from dynlearn.fitting import FitResult
from dynlearn.wide_table import WideTable

ENVIRONMENT, INTERVAL, BOUNDS = "Pendulum-v1", 0.05, (-2.0, 2.0)
OUTPUTS, CONTROLS = ["cos_angle", "sin_angle", "rate"], ["torque"]
UNITS = {"t": "s", "rate": "rad/s", "torque": "N m"}
SIMULATED = 41
"""Samples that the free run covers."""
LEARNED, TRUTH, RANDOM = "learned model", "true equations", "random torques"


@dataclasses.dataclass(frozen=True)
class PendulumResult:
    settings: Pendulum
    data: xr.Dataset
    fit: FitResult
    runs: dict[str, xr.Dataset]
    """Closed loops, by what was planned over."""
    plan: Any
    """The first decision with the learned model in its hardest episode (the one with the lowest return)."""
    simulation: xr.Dataset
    """The learned model run free over the start of that episode."""

    @property
    def transitions(self) -> int:
        return int((self.data.dyn.lengths - 1).sum())

    @property
    def returns(self) -> dict[str, np.ndarray]:
        random = self.data["reward"].sum("time").values
        return {
            RANDOM: random,
            **{name: runs["reward"].sum("time").values for name, runs in self.runs.items()},
        }

    def milliseconds(self, name: str) -> float:
        """Median time per action, compilation not counted."""
        return 1e3 * float(self.runs[name]["plan_seconds"].median())

    @property
    def table(self) -> list[dict[str, Any]]:
        rows = []
        for name, earned in self.returns.items():
            planned = name in self.runs
            rows.append(
                {
                    "planned over": name if planned else f"nothing ({RANDOM})",
                    "episodes": len(earned),
                    "mean return": earned.mean(),
                    "standard error": earned.std(ddof=1) / np.sqrt(len(earned)),
                    "worst": earned.min(),
                    "best": earned.max(),
                    "ms per action": self.milliseconds(name) if planned else float("nan"),
                }
            )
        return rows


def run(settings: Pendulum, key: int, out: Path, stages: Stages) -> PendulumResult:
    """Collect, fit, swing up with the learned model and with the truth; files go to `out`/pendulum."""
    import gymnasium

    from dynlearn.rl import PendulumTruth

    folder = out / "pendulum"
    folder.mkdir(exist_ok=True)
    env = gymnasium.make(ENVIRONMENT)
    with stages("pendulum: collect episodes with random torques"):
        data = _collect(env, settings, key)
        dl.write(data, folder / "data.nc")
    with stages(f"pendulum: fit {settings.members} models of {settings.family.model} at once", own_bar=True):
        fit = _fit(data, settings, key)
        dl.save(fit.model, folder / "ensemble.dyn")
    runs = {}
    for name, planned_over in {LEARNED: fit.model, TRUTH: PendulumTruth()}.items():
        with stages(f"pendulum: {settings.evaluations} episodes, planning over the {name}", own_bar=True):
            controller = _controller(planned_over, settings)
            seeds = (settings.evaluations, settings.first_seed)
            runs[name] = dl.control.run(env, controller, *seeds, max_steps=settings.max_steps)
            dl.write(runs[name], folder / f"runs_{name.replace(' ', '_')}.nc")
    env.close()
    with stages("pendulum: look into the hardest episode"):
        hardest = int(np.argmin(runs[LEARNED]["reward"].sum("time").values))
        episode = runs[LEARNED].isel(trajectory=[hardest], time=slice(None, SIMULATED))
        simulation = dl.simulate(fit.model, episode, warmup=1)
        mpc = _controller(fit.model, settings)
        start = episode["output"].isel(trajectory=0, time=0).values
        plan = mpc.act(mpc.init(key=settings.first_seed + hardest), start)[2]
    return PendulumResult(settings, data, fit, runs, plan, simulation)


def _collect(env: Any, settings: Pendulum, key: int) -> xr.Dataset:
    return dl.from_gymnasium(
        env,
        episodes=settings.episodes,
        seed=key,
        dt=INTERVAL,
        max_steps=settings.max_steps,
        output_names=OUTPUTS,
        control_names=CONTROLS,
        units=UNITS,
    )


def _fit(data: xr.Dataset, settings: Pendulum, key: int) -> FitResult:
    cut = settings.episodes - settings.validation
    train, valid = data.isel(trajectory=slice(None, cut)), data.isel(trajectory=slice(cut, None))
    model = build.model(settings.family.model, train, settings.family.settings, key, settings.members)
    return dl.fit(model, train, valid, build.method(None, settings.family.method, model.method), key=key)


def _controller(model: Any, settings: Pendulum) -> "dl.control.MPC":
    from dynlearn.rl import PendulumCost

    planner = dl.control.CEM(**settings.planner)
    return dl.control.MPC(
        model, PendulumCost(), settings.horizon, planner=planner, bounds=BOUNDS, interval=INTERVAL
    )


def show(result: PendulumResult, console: Console) -> None:
    table = WideTable(
        box=box.SIMPLE_HEAD,
        title=f"[bold]{ENVIRONMENT}[/] after {result.transitions} random transitions",
        title_justify="left",
        caption=f"MPC with CEM, {result.settings.horizon} steps ahead; seeds from "
        f"{result.settings.first_seed}; solved: mean return of {result.settings.target:g} or more",
        caption_justify="left",
    )
    table.add_column("planned over")
    for column in ("mean return", "worst", "best", "ms per action"):
        table.add_column(column, justify="right")
    for row in result.table:
        time = row["ms per action"]
        table.add_row(
            str(row["planned over"]),
            f"[bold]{row['mean return']:.1f}[/] ± {row['standard error']:.1f}",
            f"{row['worst']:.1f}",
            f"{row['best']:.1f}",
            "–" if np.isnan(time) else f"{time:.2f}",
        )
    console.print(table)
