r"""Delay coordinates: the recent past of outputs and controls as one vector.

v_k = [y_k, y_{k-1}, ..., y_{k-d},  u_{k-1}, ..., u_{k-d}]
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from dynlearn.contract.scaling import Scaling
from dynlearn.trajectories.window import Window


def size(outputs: int, controls: int, delays: int) -> int:
    """Entries of v."""
    return outputs * (delays + 1) + controls * delays


def shift(
    v: Shaped[Array, " v"], y: Shaped[Array, " output"], u: Shaped[Array, " control"], delays: int
) -> Shaped[Array, " v"]:
    """v one sample later, or which of it is known: `y` is the newest output, `u` was applied since the one before."""
    p, m = y.shape[0], u.shape[0]
    ys, us = v[: p * (delays + 1)], v[p * (delays + 1) :]
    if delays == 0:
        return y
    return jnp.concatenate([y, ys[: p * delays], u, us[: m * (delays - 1)]])


def embed(
    past: Window,
    scaling: Scaling,
    delays: int,
    predict: Callable[[Float[Array, " v"], Float[Array, " control"]], Float[Array, " output"]],
) -> Float[Array, " v"]:
    """v at the end of `past`, in scaled units; NaN if it cannot be known.

    A missing output is replaced by `predict(v, u)`, the model's own one-step forecast, as soon as
    the delay vector before it is complete. The window must hold `delays + 1` complete samples in
    a row somewhere for that to start.
    """
    p, m = past.output.shape[-1], past.control.shape[-1]
    y, u = scaling.output(past.output), scaling.control(past.control)

    def body(carry, now):
        v, known, u_before, applied = carry
        y, observed, u, valid = now
        complete = known.all() & applied
        guess = predict(jnp.where(known, v, 0), u_before)
        newest = jnp.where(observed, y, jnp.where(complete, guess, 0))
        is_known = shift(known, observed | complete, jnp.broadcast_to(applied, (m,)), delays)
        return (shift(v, newest, u_before, delays), is_known, jnp.where(valid, u, 0), valid), None

    n = size(p, m, delays)
    start = (jnp.zeros(n, y.dtype), jnp.zeros(n, bool), jnp.zeros(m, u.dtype), jnp.zeros((), bool))
    (v, known, _, _), _ = jax.lax.scan(body, start, (y, past.observed, u, past.valid))
    return jnp.where(known.all(), v, jnp.nan)


def transitions(
    runs: Window, scaling: Scaling, delays: int
) -> tuple[Float[np.ndarray, "pair v"], Float[np.ndarray, "pair control"], Float[np.ndarray, "pair v"]]:
    """Every complete (v_k, u_k, v_{k+1}) of a batch of runs in scaled units.

    On the host: it only moves numbers, and a program of its own per size and delays would cost more than that.
    """
    own = scaling.on_host()
    y, u = own.output(runs.output), own.control(runs.control)
    valid = np.asarray(runs.valid)
    measured = np.asarray(runs.observed).all(-1) & valid
    # Complete samples in a row up to each one: v_k needs delays + 1 of them, the transition one more.
    index = np.arange(valid.shape[1])
    last_gap = np.maximum.accumulate(np.where(measured, -1, index), axis=1)
    run, now = np.nonzero((index - last_gap >= delays + 2) & measured)
    now = now - 1

    def vectors(at: np.ndarray) -> np.ndarray:
        ys = [y[run, at - lag] for lag in range(delays + 1)]
        us = [u[run, at - lag] for lag in range(1, delays + 1)]
        return np.concatenate([*ys, *us], axis=1)

    return vectors(now), u[run, now], vectors(now + 1)
