r"""Delay coordinates: the recent past of outputs and controls as one vector.

v_k = [y_k, y_{k-1}, ..., y_{k-d},  u_{k-1}, ..., u_{k-d}]
"""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from dynlearn.contract.scaling import Scaling
from dynlearn.trajectories.device.complete import in_a_row
from dynlearn.trajectories.window import Window

AT_ONCE = 4096
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
        outputs, controls = runs.output.shape[-1], runs.control.shape[-1]
        samples = runs.valid.size  # numpy cannot find it out where there are no controls
        self.y = np.asarray(runs.output).reshape(samples, outputs)
        self.u = np.asarray(runs.control).reshape(samples, controls)
        self.scaling, self.delays = scaling.on_host(), delays
        measured = np.asarray(runs.observed).all(-1) & np.asarray(runs.valid)
        # v_k needs delays + 1 complete samples, the transition one more. Of all runs one after the other.
        self.now = np.flatnonzero(in_a_row(measured) >= delays + 2) - 1

    def __len__(self) -> int:
        return len(self.now)

    def __getitem__(
        self, which: slice
    ) -> tuple[Float[np.ndarray, "pair v"], Float[np.ndarray, "pair control"], Float[np.ndarray, "pair v"]]:
        now = self.now[which]
        return self.vectors(now), self.scaling.control(self.u[now]), self.vectors(now + 1)

    def vectors(self, at: Int[np.ndarray, " pair"]) -> Float[np.ndarray, "pair v"]:
        """v at some of the samples of all runs."""
        ys = [self.scaling.output(self.y[at - lag]) for lag in range(self.delays + 1)]
        us = [self.scaling.control(self.u[at - lag]) for lag in range(1, self.delays + 1)]
        return np.concatenate([*ys, *us], axis=1)

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """All of them, at least one block."""
        for first in range(0, max(len(self), 1), AT_ONCE):
            yield self[first : first + AT_ONCE]


class Vectors:
    """Every v_k of some transitions, made when asked for: `len`, `shape`, and rows by an array of their places."""

    def __init__(self, found: Transitions):
        self._found = found
        outputs, controls = found.y.shape[1], found.u.shape[1]
        self.shape = len(found), size(outputs, controls, found.delays)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Int[np.ndarray, " row"]) -> Float[np.ndarray, "row v"]:
        return self._found.vectors(self._found.now[index])
