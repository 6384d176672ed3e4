r"""Delay coordinates: the recent past of outputs and controls as one vector.

v_k = [y_k, y_{k-1}, ..., y_{k-d},  u_{k-1}, ..., u_{k-d}]
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Shaped

from dynlearn.models._scaling import Scaling
from dynlearn.numerics.window import Window


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


@functools.partial(jax.jit, static_argnames="delays")
def transitions(
    runs: Window, scaling: Scaling, delays: int
) -> tuple[
    Float[Array, "pair v"], Float[Array, "pair control"], Float[Array, "pair v"], Bool[Array, " pair"]
]:
    """Every (v_k, u_k, v_{k+1}) of a batch of runs in scaled units, and which of them are complete."""

    def one(run: Window):
        y, u = scaling.output(run.output), scaling.control(run.control)
        vectors, known = _stacked(y, u, run.observed, run.valid, delays)
        return vectors[:-1], u[:-1], vectors[1:], known[:-1] & known[1:] & run.valid[:-1] & run.valid[1:]

    return jax.tree.map(
        lambda leaf: leaf.reshape(leaf.shape[0] * leaf.shape[1], *leaf.shape[2:]), jax.vmap(one)(runs)
    )


def _stacked(y, u, observed, valid, delays):
    """v_k for every k of one run, and whether all its entries were measured."""
    index = jnp.arange(y.shape[0])[:, None]
    lags = index - jnp.arange(delays + 1)
    inside = (lags >= 0).all(axis=1)
    lags = jnp.maximum(lags, 0)
    vectors = jnp.concatenate(
        [y[lags].reshape(y.shape[0], -1), u[lags[:, 1:]].reshape(y.shape[0], -1)], axis=1
    )
    known = inside & observed[lags].all(axis=(1, 2)) & valid[lags].all(axis=1)
    return vectors, known
