r"""Delay coordinates: the recent past of outputs and controls as one vector.

v_k = [y_k, y_{k-1}, ..., y_{k-d},  u_{k-1}, ..., u_{k-d}]
"""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from dynlearn.contract.scaling import Scaling
from dynlearn.trajectories.window import Window

AT_ONCE = 8192
"""Transitions that are made at once: what is computed of them fits into a processor\'s cache."""


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


class Transitions:
    """Every complete (v_k, u_k, v_{k+1}) of a batch of runs in scaled units, some of them at a time.

    On the host: it only moves numbers, and a program of its own per size and delays would cost more than that.
    """

    def __init__(self, runs: Window, scaling: Scaling, delays: int):
        own = scaling.on_host()
        self.y, self.u, self.delays = own.output(runs.output), own.control(runs.control), delays
        valid = np.asarray(runs.valid)
        measured = np.asarray(runs.observed).all(-1) & valid
        # Complete samples in a row up to each one: v_k needs delays + 1 of them, the transition one more.
        index = np.arange(valid.shape[1], dtype=np.int32)
        last_gap = np.maximum.accumulate(np.where(measured, np.int32(-1), index), axis=1)
        self.run, later = np.nonzero((index - last_gap >= delays + 2) & measured)
        self.now = later - 1

    def __len__(self) -> int:
        return len(self.run)

    def __getitem__(
        self, which: slice
    ) -> tuple[Float[np.ndarray, "pair v"], Float[np.ndarray, "pair control"], Float[np.ndarray, "pair v"]]:
        run, now = self.run[which], self.now[which]

        def vectors(at: np.ndarray) -> np.ndarray:
            ys = [self.y[run, at - lag] for lag in range(self.delays + 1)]
            us = [self.u[run, at - lag] for lag in range(1, self.delays + 1)]
            return np.concatenate([*ys, *us], axis=1)

        return vectors(now), self.u[run, now], vectors(now + 1)

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """All of them, at least one block."""
        for first in range(0, max(len(self), 1), AT_ONCE):
            yield self[first : first + AT_ONCE]
