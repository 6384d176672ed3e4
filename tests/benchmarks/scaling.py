"""Does the cost of a solve grow linearly in trajectories and in steps?

Protocol: a network of 2x32 tanh units over 4 states; RK4 by `solve_ode`, forward and with the gradient by the
weights, and Euler-Maruyama by `solve_sde` with a constant diffusion. 1 to 1024 trajectories of 200 steps; 10
to 10000 steps of 32 trajectories. Compiled first; the fastest of three calls in every turn. The slope is that
of log time over log size through the upper half of the sizes: 1 is linear, less means that a larger batch
uses the machine better. A plot of all sizes is kept in `docs/scaling.svg` (not with `--quick`).

Peers: none.

Target: slopes of at most 1.2.

Seeds: weights, states and paths 0.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ._measure import seconds
from ._rows import Row, at_most
from ._settings import Settings

TRAJECTORIES, STEPS = (1, 4, 16, 64, 256, 1024), (10, 100, 1000, 10000)
PLOT = Path(__file__).parents[2] / "docs" / "scaling.svg"
Work = Callable[[int, int], Callable[[], Any]]
Curve = tuple[str, list[int], list[float]]


def run(settings: Settings) -> list[Row]:
    many, long = (TRAJECTORIES[:3], STEPS[:2]) if settings.quick else (TRAJECTORIES, STEPS)
    rows: list[Row] = []
    curves: list[tuple[str, Curve]] = []
    for name, work in {"RK4": _ode, "RK4 with gradient": _gradient, "Euler-Maruyama": _sde}.items():
        for axis, sizes in (("trajectories", [(n, 200) for n in many]), ("steps", [(32, k) for k in long])):
            size = [n if axis == "trajectories" else k for n, k in sizes]
            took = [_milliseconds(work(*each), settings) for each in sizes]
            curves.append((axis, (name, size, took)))
            rows.append(_row(f"{name}: time over {axis}", size, took, sizes[-1]))
    if not settings.quick:
        _plot(curves)
    return rows


def _row(name: str, size: list[int], took: list[float], largest: tuple[int, int]) -> Row:
    half = min(len(size) // 2, len(size) - 2)
    slope = np.polyfit(np.log(size[half:]), np.log(took[half:]), 1)[0]
    each = 1e6 * took[-1] / (largest[0] * largest[1])
    note = f"{each:.0f} ns per trajectory and step at the largest size, {took[-1]:.3g} ms in all"
    return Row(name, float(slope), "slope", target=at_most(1.2), note=note)


def _milliseconds(work: Callable[[], Any], settings: Settings) -> float:
    work()
    return float(np.median([1e3 * min(seconds(work, 3)) for _ in range(settings.times(5))]))


def _network() -> tuple[Any, Callable[[Any, Any], Any]]:
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    weights = [jnp.asarray(rng.normal(size=s) / np.sqrt(s[0]), float) for s in ((4, 32), (32, 32), (32, 4))]

    def field(weights: Any, x: Any) -> Any:
        return jnp.tanh(jnp.tanh(x @ weights[0]) @ weights[1]) @ weights[2]

    return weights, field


def _ode(trajectories: int, steps: int) -> Callable[[], Any]:
    return _solve(trajectories, steps, gradient=False)


def _gradient(trajectories: int, steps: int) -> Callable[[], Any]:
    return _solve(trajectories, steps, gradient=True)


def _solve(trajectories: int, steps: int, *, gradient: bool) -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp

    from dynlearn.solvers import FixedStep, solve_ode

    weights, field = _network()
    x0 = jax.random.normal(jax.random.key(0), (trajectories, 4))
    times = 0.01 * jnp.arange(steps + 1.0)

    def last(weights: Any, x: Any) -> Any:
        return solve_ode(
            lambda t, x, u, weights: field(weights, x), x, times, parameters=weights, solver=FixedStep("rk4")
        ).last

    def loss(weights: Any) -> Any:
        return jnp.mean(jax.vmap(last, in_axes=(None, 0))(weights, x0) ** 2)

    work = jax.jit(jax.grad(loss) if gradient else loss)
    return lambda: jax.block_until_ready(work(weights))


def _sde(trajectories: int, steps: int) -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp

    from dynlearn.solvers import solve_sde

    weights, field = _network()
    x0, times = jnp.zeros((trajectories, 4)), 0.01 * jnp.arange(steps + 1.0)

    @jax.jit
    def work(key: Any) -> Any:
        def last(x: Any, key: Any) -> Any:
            drift = lambda t, x, u, weights: field(weights, x)  # noqa: E731
            spread = lambda t, x, u, weights: 0.1 * jnp.ones_like(x)  # noqa: E731
            return solve_sde(drift, spread, x, times, key=key, parameters=weights).last

        return jax.vmap(last)(x0, jax.random.split(key, trajectories))

    return lambda: jax.block_until_ready(work(jax.random.key(0)))


def _plot(curves: list[tuple[str, Curve]]) -> None:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    for ax, axis in zip(axes, ("trajectories", "steps"), strict=True):
        mine = [curve for name, curve in curves if name == axis]
        for name, size, took in mine:
            ax.loglog(size, took, "o-", label=name, markersize=3)
        size, took = np.array(mine[0][1]), mine[0][2]
        ax.loglog(size, took[-1] * size / size[-1], "k:", linewidth=1, label="slope 1")
        ax.set_xlabel(f"{axis} ({'200 steps' if axis == 'trajectories' else '32 trajectories'})")
    axes[0].set_ylabel("milliseconds")
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(PLOT)
    plt.close(figure)
