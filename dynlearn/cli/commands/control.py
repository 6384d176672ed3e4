"""dynlearn control: model predictive control of a Gymnasium environment."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dynlearn.cli.shared import options as o

if TYPE_CHECKING:
    import gymnasium
    import xarray as xr

    from dynlearn.control import Quadratic

COST, PLANNER = "Cost: sum of weight * (output - target)^2 and control weight * control^2", "Planner"


def control(
    model: o.Model,
    env: Annotated[
        str,
        typer.Option(
            "--env", help="A registered Gymnasium environment, such as Pendulum-v1.", show_default=False
        ),
    ],
    weights: Annotated[
        list[str] | None, typer.Option("--weight", help="OUTPUT=VALUE; at least one.", rich_help_panel=COST)
    ] = None,
    targets: Annotated[
        list[str] | None, typer.Option("--target", help="OUTPUT=VALUE; default 0.", rich_help_panel=COST)
    ] = None,
    control_weights: Annotated[
        list[str] | None,
        typer.Option(
            "--control-weight",
            help="VALUE for every control, or CONTROL=VALUE; default 0.",
            rich_help_panel=COST,
        ),
    ] = None,
    terminal_weights: Annotated[
        list[str] | None,
        typer.Option(
            "--terminal-weight",
            help="OUTPUT=VALUE at the end of the horizon; default as --weight.",
            rich_help_panel=COST,
        ),
    ] = None,
    horizon: Annotated[
        int, typer.Option("--horizon", help="Steps to look ahead.", min=1, rich_help_panel=PLANNER)
    ] = 30,
    candidates: Annotated[
        int, typer.Option("--candidates", help="Control sequences per iteration.", rich_help_panel=PLANNER)
    ] = 128,
    iterations: Annotated[
        int, typer.Option("--iterations", help="Rounds of drawing and refitting.", rich_help_panel=PLANNER)
    ] = 3,
    interval: Annotated[
        float | None,
        typer.Option(
            "--interval", help="Time per step, for a continuous-time model; default the environment's own dt."
        ),
    ] = None,
    episodes: Annotated[int, typer.Option("--episodes", help="Episodes to run.", min=1)] = 5,
    seed: Annotated[int, typer.Option("--seed", help="Episode i is reset with seed + i.", min=0)] = 0,
    max_steps: Annotated[
        int | None, typer.Option("--max-steps", help="Cut every episode there.", min=1)
    ] = None,
    output: o.Series = None,
    plot: o.Plot = None,
) -> None:
    """Control an environment with a fitted model: plan at every step, apply the first control, plan again.

    The environment's observations are the model's outputs, its actions the controls, in their order.
    Until a model has seen as many samples as it needs, the controls are drawn at random.
    """
    from dynlearn.cli.shared import console, files

    files.check_target("--output", output, o.SERIES)
    files.check_target("--plot", plot, files.FIGURES)
    with console.working("building the controller"):
        import dynlearn as dl
        from dynlearn.trajectories.environments import opened

        fitted = dl.load(model)
        cost = _cost(fitted.signature, weights, targets, control_weights, terminal_weights)
        planner = dl.control.CEM(samples=candidates, iterations=iterations)
    with opened(env) as world:
        mpc = dl.control.MPC(
            fitted,
            cost,
            horizon,
            planner=planner,
            bounds=_bounds(world),
            interval=_interval(world, fitted.signature, interval),
        )
        runs = dl.control.run(world, mpc, episodes, seed, dt=interval, max_steps=max_steps, warmup="random")
    console.out().print(_table(runs, seed))
    _say_reasons(runs)
    if output is not None:
        files.write_dataset(runs, output)
        console.written(output)
    if plot is not None:
        goals = {
            name: float(cost.target[i])
            for i, name in enumerate(fitted.signature.output_names)
            if float(cost.Q[i, i]) > 0
        }
        dl.plot.closed_loop(runs, bounds=mpc.bounds, targets=goals).savefig(plot, dpi=200)
        console.written(plot)


def _cost(
    signature: Any, weights: Any, targets: Any, control_weights: Any, terminal_weights: Any
) -> "Quadratic":
    from dynlearn.cli.shared import pairs
    from dynlearn.control import Quadratic
    from dynlearn.errors import ArgumentError, check_known

    outputs, controls = signature.output_names, signature.control_names
    given = {
        "--weight": pairs.numbers("--weight", weights),
        "--target": pairs.numbers("--target", targets),
        "--terminal-weight": pairs.numbers("--terminal-weight", terminal_weights),
    }
    for option, values in given.items():
        check_known(f"output in {option}", values, outputs)
    if not given["--weight"]:
        raise ArgumentError(
            f"--weight: expected at least one, got none; pass e.g. --weight {outputs[0]}=1 "
            f"(outputs: {', '.join(outputs)})."
        )
    by_name = [item for item in control_weights or () if "=" in item]
    for_all = [pairs.number("--control-weight", item) for item in control_weights or () if "=" not in item]
    if len(for_all) > 1 or (for_all and by_name):
        raise ArgumentError(
            f"--control-weight: expected one VALUE, or CONTROL=VALUE by name, got {control_weights}."
        )
    named = pairs.numbers("--control-weight", by_name)
    check_known("control in --control-weight", named, controls)
    R = dict.fromkeys(controls, for_all[0]) if for_all else named
    return Quadratic.named(
        signature, given["--target"], given["--weight"], R, given["--terminal-weight"] or None
    )


def _bounds(env: "gymnasium.Env") -> tuple:
    from dynlearn.trajectories.environments import check_actions

    space = check_actions(env.action_space)
    return space.low.astype(float).reshape(-1).tolist(), space.high.astype(float).reshape(-1).tolist()


def _interval(env: "gymnasium.Env", signature: Any, given: float | None) -> float | None:
    """The time per step; a discrete-time model brings its own, which must be the environment's."""
    from dynlearn.errors import ArgumentError
    from dynlearn.trajectories.environments import stated_interval

    own = stated_interval(env).interval
    if signature.interval is None:
        return own if given is None else given
    if given is None and own is not None and abs(own - signature.interval) > 1e-4 * own:
        raise ArgumentError(
            f"--env: the model's interval is {signature.interval:g}, the environment's step {own:g}; "
            f"fit one to data with that interval, or pass --interval {signature.interval:g} if they agree."
        )
    return given


def _table(runs: "xr.Dataset", seed: int) -> Any:
    import numpy as np
    from rich import box

    from dynlearn.wide_table import WideTable

    returns, steps = runs["reward"].sum("time").values, runs.dyn.lengths - 1
    milliseconds = 1e3 * runs["plan_seconds"].median("time").values
    spread = f" ± {returns.std(ddof=1):.4g}" if len(returns) > 1 else ""
    median = 1e3 * float(runs["plan_seconds"].median())
    table = WideTable(box=box.SIMPLE_HEAD, show_footer=True)
    table.add_column("seed", "mean", justify="right")
    table.add_column("return", f"[bold]{returns.mean():.4g}[/]{spread}", justify="right")
    table.add_column("steps", f"{steps.mean():.4g}", justify="right")
    table.add_column("ms per action", f"{median:.3g}", justify="right")
    for i, (earned, count, ms) in enumerate(zip(returns, steps, milliseconds, strict=True)):
        table.add_row(str(seed + i), f"{earned:.4g}", str(count), "–" if np.isnan(ms) else f"{ms:.3g}")
    return table


def _say_reasons(runs: "xr.Dataset") -> None:
    """Anything but a plan that was found is worth a line."""
    import json

    from dynlearn.cli.shared import console

    reasons = json.loads(runs.attrs["reasons"])
    others = {name: count for name, count in reasons.items() if name != "planned"}
    if others:
        shown = ", ".join(f"{name} {count}" for name, count in others.items())
        console.out().print(f"[yellow]not planned:[/] {shown} of {sum(reasons.values())} actions")
    if "unplanned" in runs.attrs:
        console.out().print(runs.attrs["unplanned"])
