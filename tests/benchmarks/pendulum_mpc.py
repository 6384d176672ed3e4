"""How well does MPC swing up Pendulum-v1 after at most 5000 random transitions?

Protocol: 25 episodes of 200 random actions (20 to fit, 5 to validate); an ensemble of 3 Neural ODEs
(hidden=0, memory=1, width=32) fitted by Gradient(steps=2000, horizon=8, learning_rate=5e-3, batch=128); MPC
with a horizon of 20 steps (of 0.05 s, one decision each) and CEM, once with few candidates and once with
the defaults; 20 episodes of 200 decisions. Returns are means over the episodes, undiscounted. Milliseconds
per action: median over all decisions of those episodes, compilation left out.

Peers: the same planner over the true equations (the ceiling).

Target: mean return >= -200; under 30 ms per action at the settings of that return.

Seeds: data 0, fit 0, evaluation episodes 2000 to 2019, which no setting was chosen on.
"""

from typing import Any

import numpy as np

from ._rows import Row, at_least, at_most, below
from ._settings import Settings

ENVIRONMENT, INTERVAL, BOUNDS, HORIZON, SEED = "Pendulum-v1", 0.05, (-2.0, 2.0), 20, 2000


def run(settings: Settings) -> list[Row]:
    import dynlearn as dl

    data = dl.from_gymnasium(
        ENVIRONMENT,
        episodes=settings.size(25, 6),
        seed=0,
        output_names=["cos_angle", "sin_angle", "rate"],
        control_names=["torque"],
        units={"t": "s", "rate": "rad/s", "torque": "N m"},
    )
    fit = _fit(data, settings)
    random = data["reward"].sum("time").values
    few = dl.control.CEM(samples=64, elites=8, iterations=2)
    rows = [
        Row("random transitions", int((data.dyn.lengths - 1).sum()), "transitions", target=at_most(5000)),
        Row("fit", fit.seconds, "s", note=f"{fit.statistics['steps']} steps, {fit.reason.name}"),
        Row("return of random actions", float(random.mean()), "", note="on the data's own episodes"),
    ]
    for name, planner in {"CEM 64 x 2": few, "CEM, defaults": dl.control.CEM()}.items():
        rows += _planned(name, planner, fit.model, settings)
    return rows


def _fit(data: Any, settings: Settings) -> Any:
    import dynlearn as dl

    held_out = data.sizes["trajectory"] // 5
    train, valid = (
        data.isel(trajectory=slice(None, -held_out)),
        data.isel(trajectory=slice(-held_out, None)),
    )
    model = dl.models.NeuralODE.from_data(train, hidden=0, memory=1, width=32, key=0)
    method = dl.fitting.Gradient(steps=settings.size(2000, 100), horizon=8, learning_rate=5e-3, batch=128)
    return dl.fit(dl.models.Ensemble.of(model, 3, key=0), train, valid, method, key=0, progress=False)


def _planned(name: str, planner: Any, model: Any, settings: Settings) -> list[Row]:
    import dynlearn as dl

    ran = {
        "learned": _closed_loop(planner, model, settings),
        "truth": _closed_loop(planner, dl.rl.PendulumTruth(), settings),
    }
    returns = {which: runs["reward"].sum("time").values for which, runs in ran.items()}
    # The last sample of a run has no decision.
    ms = {which: 1e3 * runs["plan_seconds"].values[:, :-1].ravel() for which, runs in ran.items()}
    earned, ceiling = returns["learned"], returns["truth"]
    error = earned.std(ddof=1) / np.sqrt(earned.size)
    peer = "true equations, same planner"
    span = f"{earned.min():.0f} to {earned.max():.0f}"
    note = f"standard error {error:.1f}, {span}, {earned.size} episodes"
    slow = f"95th percentile {np.percentile(ms['learned'], 95):.3g} ms, {ms['learned'].size} decisions"
    mean, ceiling_mean = float(earned.mean()), float(ceiling.mean())
    medians = {which: float(np.median(values)) for which, values in ms.items()}
    return [
        Row(f"mean return, {name}", mean, "", peer, ceiling_mean, at_least(-200), note),
        Row(f"time per action, {name}", medians["learned"], "ms", peer, medians["truth"], below(30), slow),
    ]


def _closed_loop(planner: Any, model: Any, settings: Settings) -> Any:
    import gymnasium

    import dynlearn as dl

    interval = None if model.signature.interval else INTERVAL
    mpc = dl.control.MPC(
        model, dl.rl.PendulumCost(), HORIZON, planner=planner, bounds=BOUNDS, interval=interval
    )
    env = gymnasium.make(ENVIRONMENT)
    env.reset(seed=SEED)
    mpc.act(mpc.init(key=0), env.observation_space.sample())
    steps = 20 if settings.quick else None
    return dl.control.run(env, mpc, settings.size(20, 2), SEED, max_steps=steps, progress=False)
