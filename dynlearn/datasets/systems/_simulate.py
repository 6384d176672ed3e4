"""Simulation of a known system: one compiled program over padded runs, then noise, gaps and padding."""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key
from numpy.typing import ArrayLike

from dynlearn.datasets.systems import _checks as checks
from dynlearn.datasets.systems._sheet import Simulated
from dynlearn.errors import check_count
from dynlearn.numerics.keys import as_key
from dynlearn.numerics.precision import compiled
from dynlearn.solvers.ode.fixed import FixedStep
from dynlearn.solvers.ode.solve import solve_ode
from dynlearn.trajectories.build.arrays import from_arrays

SPREAD = (0.2, 1.8)
"""Bounds of an irregular interval, in units of its mean."""


def simulate(
    system: Simulated,
    *,
    runs: int,
    length: int | tuple[int, int],
    dt: float | None,
    process_noise: ArrayLike,
    measurement_noise: ArrayLike,
    irregular: bool,
    missing: float,
    controls: ArrayLike | None,
    initial: ArrayLike | None,
    key: object,
) -> xr.Dataset:
    """See `AbstractSystem.simulate`."""
    runs = check_count("runs", runs, at_least=1)
    low, high = checks.lengths(length)
    dt = checks.positive("dt", system.sheet.dt if dt is None else dt)
    missing = checks.fraction("missing", missing)
    sigma = checks.spread("process_noise", process_noise, system.state_names)
    spread = checks.spread("measurement_noise", measurement_noise, system.output_names)

    draw_initial, draw_controls, draw_process, draw_rest = jax.random.split(as_key(key), 4)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(draw_rest)).tolist())
    lengths = rng.integers(low, high, size=runs, endpoint=True)
    times = _instants(rng, runs, high, dt, irregular)
    x0 = checks.batch("initial", initial, (runs,), (len(system.state_names),))
    u = checks.batch("controls", controls, (runs,), (high, len(system.control_names)))
    longest = dt * (SPREAD[1] if irregular else 1.0)
    solved = _integrate(
        system,
        substeps=max(1, int(np.ceil(longest / system.sheet.max_step * (1 - 1e-9)))),
        initial=jax.random.split(draw_initial, runs) if x0 is None else jnp.array(x0, float),
        controls=jax.random.split(draw_controls, runs) if u is None else jnp.array(u, float),
        times=jnp.asarray(times, float),
        intervals=jnp.asarray(np.diff(times), float),
        sigma=jnp.asarray(sigma, float) if sigma.any() else None,
        keys=jax.random.split(draw_process, runs),
    )
    states, levels, outputs = (np.asarray(a, dtype=np.float64) for a in solved)
    checks.finite(states, times, lengths)
    outputs = outputs + spread * rng.standard_normal(outputs.shape)
    outputs = np.where(rng.random(outputs.shape) < missing, np.nan, outputs)

    def cut(padded: np.ndarray) -> list[np.ndarray]:
        return [run[:n] for run, n in zip(padded, lengths, strict=True)]

    return from_arrays(
        cut(outputs),
        cut(levels) if system.control_names else None,
        times=cut(times),
        output_names=system.output_names,
        control_names=system.control_names or None,
        units=system.units,
        states=cut(states),
        state_names=system.state_names,
    )


def _instants(rng: np.random.Generator, runs: int, length: int, dt: float, irregular: bool) -> np.ndarray:
    """`(trajectory, time)`: a grid from 0, or a random walk of intervals from 0."""
    if not irregular:
        return np.tile(dt * np.arange(length), (runs, 1))
    intervals = dt * rng.uniform(*SPREAD, size=(runs, length - 1))
    return np.concatenate([np.zeros((runs, 1)), np.cumsum(intervals, axis=1)], axis=1)


@compiled
def _integrate(
    system: Simulated,
    *,
    substeps: int,
    initial: Array,
    controls: Array,
    times: Float[Array, "run time"],
    intervals: Float[Array, "run interval"],
    sigma: Float[Array, " state"] | None,
    keys: Key[Array, " run"],
) -> tuple[Float[Array, "run time state"], Float[Array, "run time control"], Float[Array, "run time output"]]:
    """States, controls and outputs. `initial` and `controls` are values, or one key per run to draw them
    with."""
    if jnp.issubdtype(initial.dtype, jax.dtypes.prng_key):
        initial = jax.vmap(system.initial)(initial).astype(float)
    if jnp.issubdtype(controls.dtype, jax.dtypes.prng_key):
        controls = jax.vmap(lambda k: system.sheet.excitation.draw(k, times.shape[1]))(controls)

    def transition(x, inputs):
        u, t, interval, key = inputs
        x = _advance(system, substeps, sigma, x, u, t, interval, key)
        return x, x

    def run(x, u, t, intervals, key):
        noise = jax.random.split(key, len(intervals))
        _, later = jax.lax.scan(transition, x, (u[:-1], t[:-1], intervals, noise))
        return jnp.concatenate([x[None], later])

    states = jax.vmap(run)(initial, controls, times, intervals, keys)
    return states, controls, jax.vmap(jax.vmap(system.observe))(states)


def _advance(system, substeps, sigma, x, u, t, interval, key):
    """One sampling interval. With noise: a Runge-Kutta step, then its share of the Wiener process."""

    def across(x, start, span, steps):
        # The clock counts from the start: far from t = 0, float32 has no digits left for a short step.
        times = jnp.stack([jnp.zeros_like(span), span])
        field = lambda elapsed, x, *_: system.vector_field(start + elapsed, x, u)  # noqa: E731
        return solve_ode(field, x, times, solver=FixedStep("rk4", steps)).last

    if sigma is None:
        return across(x, t, interval, substeps)
    h = interval / substeps

    def body(x, i):
        x = across(x, t + i * h, h, 1)
        return x + sigma * jnp.sqrt(h) * jax.random.normal(jax.random.fold_in(key, i), x.shape, x.dtype), None

    return jax.lax.scan(body, x, jnp.arange(substeps))[0]
